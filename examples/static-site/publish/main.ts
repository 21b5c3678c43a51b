/**
 * `npm run static-site`: finds or starts an S3 server, and publishes the page and its archive in a new bucket that everybody
 * may read. Removes the bucket when it ends.
 */
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { extname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { type Value, writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import {
  allowPublicReads,
  freshBucket,
  removeBucket,
  type S3Access,
  s3Client,
  startS3,
} from "@peekpack/testing";
import { build } from "vite";

// The SDK warns that its releases of 2027 do not support Node 20. The pinned release does.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

/** Content types by extension. Vite makes no other files of this page. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

const interruption = new Promise<void>((resolve) => {
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => resolve());
});

/** Builds the page, and uploads its files with their content types. @returns how many */
async function publishPage(access: S3Access, bucket: string): Promise<number> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  await build({ root, logLevel: "error" });
  const folder = join(root, "dist");
  const client = s3Client(access);
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
    for (const file of files) {
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: file.slice(folder.length + 1).replaceAll(sep, "/"),
          Body: await readFile(file),
          ContentType: CONTENT_TYPES[extname(file)] ?? "application/octet-stream",
        }),
      );
    }
    return files.length;
  } finally {
    client.destroy();
  }
}

/** Writes the archive beside the page. @returns its size in bytes */
async function publishArchive(access: S3Access, bucket: string): Promise<number> {
  const file = createRequire(import.meta.url).resolve("@mdn/browser-compat-data");
  const data = JSON.parse(await readFile(file, "utf8")) as Value;
  const sink = s3Store(access).sink(`${bucket}/browser-compat-data.msglc`);
  return (await writeArchive(sink, data, { pageIndex: true })).size;
}

const server = await startS3({ log: (line) => console.log(`  ${line}`) });
try {
  console.log(`S3: ${server.how}`);
  const bucket = await freshBucket(server, "peekpack-site");
  try {
    await allowPublicReads(server, bucket);
    const files = await publishPage(server, bucket);
    const size = await publishArchive(server, bucket);
    console.log(`published ${files} files and an archive of ${(size / 1e6).toFixed(1)} MB`);
    const page = `${server.endpoint.replace(/\/$/, "")}/${bucket}/index.html`;
    console.log(`\n  The page: ${page}\n\nCtrl-C ends it, and removes the bucket.`);
    // A promise does not keep Node running, and the server may be another process.
    const running = setInterval(() => {}, 60_000);
    await interruption;
    clearInterval(running);
  } finally {
    console.log("\nremoving the bucket");
    await removeBucket(server, bucket);
  }
} finally {
  await server.close();
}

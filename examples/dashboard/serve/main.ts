/**
 * `npm run dashboard`: finds or starts an S3 server, writes a compressed archive with a page index to a new bucket, and serves
 * the page. Removes the bucket when it ends.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { freshBucket, removeBucket, setCors, startS3 } from "@peekpack/testing";
import { zstdSink } from "@peekpack/zstd";
import { build, type Plugin, preview } from "vite";
import { stationsFor, weather } from "./stations.js";

const { values } = parseArgs({ options: { size: { type: "string", default: "1024" } } });
const mebibytes = Number(values.size);
if (!(mebibytes > 0 && mebibytes <= 2 ** 20)) {
  console.error("usage: npm run dashboard -- [--size MEBIBYTES]   (default 1024)");
  process.exit(2);
}
// The SDK warns that its releases of 2027 do not support Node 20. The pinned release does.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const interruption = new AbortController();
const interrupted = new Promise<void>((resolve) => {
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      interruption.abort(new Error(`stopped by ${name}`));
      resolve();
    });
  }
});
const { signal } = interruption;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** Presigned URLs are valid for an hour. The page asks for another when the server refuses one. */
const EXPIRES_S = 3600;

/** Responds to `/archive` with a presigned URL. A real service would authenticate the user first. */
const presigner = (sign: () => Promise<string>): Plugin => ({
  name: "presigner",
  configurePreviewServer: ({ middlewares }) => {
    middlewares.use("/archive", async (_request, response) => {
      response.setHeader("cache-control", "no-store");
      response.end(await sign());
    });
  },
});

const server = await startS3({ log: (line) => console.log(`  ${line}`) });
try {
  console.log(`S3: ${server.how}`);
  const bucket = await freshBucket(server, "peekpack-dashboard");
  try {
    const store = s3Store(server);
    const path = `${bucket}/weather.msglc.zst`;
    const count = stationsFor(mebibytes * 2 ** 20);
    console.log(`writing ${count} stations to s3://${path}`);
    const began = performance.now();
    let tenths = 0;
    const data = weather(count, (done) => {
      if (Math.floor((done / count) * 10) === tenths) return;
      tenths = Math.floor((done / count) * 10);
      console.log(`  ${tenths * 10} %`);
    });
    const written = await writeArchive(zstdSink(store.sink(path, { signal })), data, {
      pageIndex: true,
      signal,
    });
    const object = await store.head(path);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `an archive of ${megabytes(written.size)}, compressed to ${megabytes(object.size)}, in ${seconds} s`,
    );

    const root = fileURLToPath(new URL("../..", import.meta.url));
    await build({ root, logLevel: "error" });
    const site = await preview({
      root,
      logLevel: "error",
      plugins: [presigner(() => store.presign(path, { expiresIn: EXPIRES_S }))],
      preview: { host: "127.0.0.1" },
    });
    try {
      const { origin } = new URL(site.resolvedUrls!.local[0]!);
      await setCors(server, bucket, [origin, origin.replace("127.0.0.1", "localhost")]);
      console.log(`\n  The page: ${origin}\n\nCtrl-C ends it, and removes the bucket with the archive.`);
      await interrupted;
    } finally {
      await site.close();
    }
  } finally {
    console.log("\nremoving the bucket");
    await removeBucket(server, bucket);
  }
} catch (error) {
  if (error !== signal.reason) throw error;
} finally {
  await server.close();
}

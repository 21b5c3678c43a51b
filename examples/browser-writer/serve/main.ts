/**
 * `npm run write`: finds or starts an S3 server, makes a bucket with CORS rules, and serves the page with a signing service, and the
 * explorer, to which the page hands over what it has written.
 * Removes the bucket when it ends.
 */
import { fileURLToPath } from "node:url";
import { freshBucket, removeBucket, setCors, startS3 } from "@peekpack/testing";
import { createServer, type ViteDevServer } from "vite";
import { type Signing, signingService } from "./signing-service.js";

// The SDK warns that its releases of 2027 do not support Node 20. The pinned release does.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const interruption = new Promise<void>((resolve) => {
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => resolve());
});

const access = await startS3({ log: (line) => console.log(`  ${line}`) });
try {
  console.log(`S3: ${access.how}`);
  const bucket = await freshBucket(access, "peekpack-writer");
  try {
    const explorer = await createServer({
      root: fileURLToPath(new URL("../../../explorer", import.meta.url)),
      server: { host: "127.0.0.1" },
    });
    let site: ViteDevServer | undefined;
    try {
      await explorer.listen();
      const explorerUrl = explorer.resolvedUrls!.local[0]!;
      const signing: Signing = { access, bucket, server: access.how, explorer: explorerUrl };
      site = await createServer({
        root: fileURLToPath(new URL("../..", import.meta.url)),
        plugins: [signingService(() => signing)],
        server: { host: "127.0.0.1" },
      });
      await site.listen();
      const { origin } = new URL(site.resolvedUrls!.local[0]!);
      const origins = [origin, new URL(explorerUrl).origin];
      await setCors(
        access,
        bucket,
        origins.flatMap((page) => [page, page.replace("127.0.0.1", "localhost")]),
      );
      console.log(
        `bucket: ${bucket}, at ${new URL(access.endpoint).origin}, open to the origins of both pages (CORS)`,
      );
      console.log(
        `\n  The page: ${origin}\n  The explorer: ${explorerUrl}\n\nCtrl-C ends it, and removes the bucket with all that was written to it.`,
      );
      await interruption;
      console.log("\nremoving the bucket");
    } finally {
      await site?.close();
      await explorer.close();
    }
  } finally {
    await removeBucket(access, bucket);
  }
} finally {
  await access.close();
}

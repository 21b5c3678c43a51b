import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, preview } from "vite";
import { type Signing, signingService } from "../../examples/browser-writer/serve/signing-service.js";

/** The built writer on a server with a signing service. */
export interface ServedWriter {
  readonly origin: string;
  /** What the service signs for. Undefined: there is no service. */
  signing: Signing | undefined;
  close(): Promise<void>;
}

/** Builds the writer and serves it on 127.0.0.1. */
export async function serveWriter(): Promise<ServedWriter> {
  const root = fileURLToPath(new URL("../../examples/browser-writer", import.meta.url));
  const outDir = await mkdtemp(join(tmpdir(), "peekpack-writer-"));
  await build({ root, logLevel: "warn", build: { outDir, emptyOutDir: true } });
  let signing: Signing | undefined;
  const server = await preview({
    root,
    logLevel: "warn",
    build: { outDir },
    preview: { host: "127.0.0.1" },
    plugins: [signingService(() => signing)],
  });
  const { origin } = new URL(server.resolvedUrls!.local[0]!);
  return {
    origin,
    get signing() {
      return signing;
    },
    set signing(next) {
      signing = next;
    },
    async close() {
      await server.close();
      await rm(outDir, { recursive: true });
    },
  };
}

import { fileURLToPath } from "node:url";
import { preview } from "vite";
import { type Signing, signingService } from "../../examples/browser-writer/serve/signing-service.js";
import type { Built } from "../browser-test.js";

/** The built writer on a server with a signing service. */
export interface ServedWriter {
  readonly origin: string;
  /** What the service signs for. Undefined: there is no service. */
  signing: Signing | undefined;
  close(): Promise<void>;
}

/** Serves the built writer on 127.0.0.1. */
export async function serveWriter(built: Built): Promise<ServedWriter> {
  const root = fileURLToPath(new URL("../../examples/browser-writer", import.meta.url));
  const outDir = await built("examples/browser-writer");
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
    close: () => server.close(),
  };
}

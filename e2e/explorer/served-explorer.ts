import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { preview } from "vite";
import type { Built } from "../browser-test.js";

/** The built explorer on a server, with archives beside it. */
export interface ServedExplorer {
  readonly origin: string;
  /** Puts a file beside the page. @returns its URL */
  put(name: string, bytes: Uint8Array): Promise<string>;
  close(): Promise<void>;
}

/** Serves a copy of the built explorer on 127.0.0.1. */
export async function serveExplorer(built: Built): Promise<ServedExplorer> {
  const root = fileURLToPath(new URL("../../examples/explorer", import.meta.url));
  const outDir = await mkdtemp(join(tmpdir(), "peekpack-explorer-"));
  await cp(await built("examples/explorer"), outDir, { recursive: true });
  const server = await preview({ root, logLevel: "warn", build: { outDir }, preview: { host: "127.0.0.1" } });
  const { origin } = new URL(server.resolvedUrls!.local[0]!);
  return {
    origin,
    async put(name, bytes) {
      await writeFile(join(outDir, name), bytes);
      return `${origin}/${name}`;
    },
    async close() {
      await server.close();
      await rm(outDir, { recursive: true });
    },
  };
}

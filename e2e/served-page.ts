import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, preview } from "vite";

/** A page built by Vite and served on 127.0.0.1. */
export interface ServedPage {
  readonly origin: string;
  close(): Promise<void>;
}

/** Builds and serves the Vite project in a directory relative to this file. */
export async function servePage(name: string): Promise<ServedPage> {
  const root = fileURLToPath(new URL(name, import.meta.url));
  const outDir = await mkdtemp(join(tmpdir(), "peekpack-page-"));
  await build({ root, configFile: false, logLevel: "warn", build: { outDir, emptyOutDir: true } });
  const server = await preview({
    root,
    configFile: false,
    logLevel: "warn",
    build: { outDir },
    preview: { host: "127.0.0.1" },
  });
  const { origin } = new URL(server.resolvedUrls!.local[0]!);
  return {
    origin,
    async close() {
      await server.close();
      await rm(outDir, { recursive: true });
    },
  };
}

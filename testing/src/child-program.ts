import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A bundled script for a child process. */
export interface ChildProgram {
  /** The file to run with node. */
  readonly path: string;
  /** Deletes the file. */
  remove(): Promise<void>;
}

/**
 * Bundles a script and its imports, from source, into one file. A child process loads one file quickly and needs neither
 * a build nor vitest's loader.
 */
export async function childProgram(script: URL): Promise<ChildProgram> {
  const { build } = await import("vite");
  const directory = await mkdtemp(fileURLToPath(new URL("../../node_modules/.child-", import.meta.url)));
  await build({
    configFile: false,
    logLevel: "error",
    build: {
      ssr: fileURLToPath(script),
      outDir: directory,
      emptyOutDir: false,
      target: "node20",
      rolldownOptions: { output: { entryFileNames: "child.mjs" } },
    },
    // Shared contracts import vitest, which cannot be bundled.
    ssr: { noExternal: true, external: ["vitest"], resolve: { conditions: ["@peekpack/source"] } },
  });
  return { path: join(directory, "child.mjs"), remove: () => rm(directory, { recursive: true }) };
}

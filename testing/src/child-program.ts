import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A script that another process can run. */
export interface ChildProgram {
  /** The file to give to node. */
  readonly path: string;
  /** Removes it. */
  remove(): Promise<void>;
}

/**
 * Puts a script and all that it imports into one file, from the sources as they are: a process that runs it starts in a
 * tenth of a second, and has nothing of the test's own process in it.
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
    // Contracts that a script shares with tests import the framework, which cannot be bundled.
    ssr: { noExternal: true, external: ["vitest"], resolve: { conditions: ["@peekpack/source"] } },
  });
  return { path: join(directory, "child.mjs"), remove: () => rm(directory, { recursive: true }) };
}

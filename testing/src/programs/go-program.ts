import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../cache/cache-directory.js";
import { withDirectoryLock } from "../cache/directory-lock.js";
import { findOnPath, isExecutable, type Located, locateProgram } from "./program.js";

const run = promisify(execFile);
const BUILD_MS = 15 * 60 * 1000;

/** A server that can be built by `go install`. */
export interface GoProgram {
  readonly name: string;
  /** Environment variable that overrides the search. */
  readonly variable: string;
  /** Module path with version, for `go install`. */
  readonly module: string;
}

export interface LocateOptions {
  /** Whether the program may be built with Go if it is absent. */
  readonly build: boolean;
  /** Receives progress, one line per call. */
  readonly log?: ((line: string) => void) | undefined;
}

/** Finds a program, or the build of an earlier run in the cache; builds it if it is absent and `build` is set. */
export async function locateGoProgram(
  { name, variable, module }: GoProgram,
  options: LocateOptions,
): Promise<Located> {
  const found = await locateProgram(name, variable);
  if (found.command !== undefined) return found;
  const directory = join(cacheDirectory(), "go-bin");
  const built = join(directory, process.platform === "win32" ? `${name}.exe` : name);
  if (await isExecutable(built)) return { command: built, how: "an earlier run built it with Go" };
  const go = await findOnPath("go");
  if (go === undefined)
    return { command: undefined, how: `${found.how}, and Go is not installed to build it` };
  if (!options.build) return { command: undefined, how: `${found.how}, and no earlier run has built it` };
  return withDirectoryLock(`${directory}.lock`, BUILD_MS, async (): Promise<Located> => {
    if (await isExecutable(built)) return { command: built, how: "another process built it with Go" };
    options.log?.(`building ${module} with Go: more than a minute, once`);
    await mkdir(directory, { recursive: true });
    try {
      const env = { ...process.env, GOBIN: directory, CGO_ENABLED: "0" };
      await run(go, ["install", module], { env, timeout: BUILD_MS });
    } catch (error) {
      await rm(built, { force: true });
      const { stderr } = error as { stderr?: string };
      const last = (stderr ?? String(error)).trim().split("\n").at(-1) ?? "";
      return { command: undefined, how: `${found.how}, and building it with Go failed: ${last}` };
    }
    return { command: built, how: "it was built with Go" };
  });
}

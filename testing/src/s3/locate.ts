import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdir, rm, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../cache/cache-directory.js";
import { withDirectoryLock } from "../cache/directory-lock.js";

const run = promisify(execFile);

/** The path of a server's program. `how` says where it was found, or why it was not. */
export type Located =
  | { readonly command: string; readonly how: string }
  | { readonly command: undefined; readonly how: string };

const VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
const BUILD_MS = 15 * 60 * 1000;

async function executable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** Finds a program on PATH. @returns its full path */
export async function findOnPath(name: string): Promise<string | undefined> {
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(directory, process.platform === "win32" ? `${name}.exe` : name);
    if (directory !== "" && (await executable(path))) return path;
  }
  return undefined;
}

/** Finds a program by an environment variable, else on PATH. @throws Error if the variable names no executable */
async function locateProgram(name: string, variable: string): Promise<Located> {
  const named = process.env[variable];
  if (named !== undefined && named !== "") {
    if (await executable(named)) return { command: named, how: `${variable} names it` };
    throw new Error(`${variable} is set, but names no executable file`);
  }
  const command = await findOnPath(name);
  return command === undefined
    ? { command, how: `no ${name}: ${variable} is not set and PATH has none` }
    : { command, how: `${name} is on PATH` };
}

/** @throws Error if RUSTFS_BIN names no executable */
export const locateRustfs = (): Promise<Located> => locateProgram("rustfs", "RUSTFS_BIN");

/**
 * Finds versitygw. If it is absent and `build` is set, builds it with Go into the cache, which takes over a minute.
 * @throws Error if VERSITYGW_BIN names no executable
 */
export async function locateVersitygw(options: {
  readonly build: boolean;
  readonly log?: (line: string) => void;
}): Promise<Located> {
  const found = await locateProgram("versitygw", "VERSITYGW_BIN");
  if (found.command !== undefined) return found;
  const directory = join(cacheDirectory(), "go-bin");
  const built = join(directory, process.platform === "win32" ? "versitygw.exe" : "versitygw");
  if (await executable(built)) return { command: built, how: "an earlier run built it with Go" };
  const go = await findOnPath("go");
  if (go === undefined)
    return { command: undefined, how: `${found.how}, and Go is not installed to build it` };
  if (!options.build) return { command: undefined, how: `${found.how}, and no earlier run has built it` };
  return withDirectoryLock(`${directory}.lock`, BUILD_MS, async (): Promise<Located> => {
    if (await executable(built)) return { command: built, how: "another process built it with Go" };
    options.log?.(`building ${VERSITYGW} with Go: more than a minute, once`);
    await mkdir(directory, { recursive: true });
    try {
      await run(go, ["install", VERSITYGW], { env: { ...process.env, GOBIN: directory }, timeout: BUILD_MS });
    } catch (error) {
      await rm(built, { force: true });
      const { stderr } = error as { stderr?: string };
      const last = (stderr ?? String(error)).trim().split("\n").at(-1) ?? "";
      return { command: undefined, how: `${found.how}, and building it with Go failed: ${last}` };
    }
    return { command: built, how: "it was built with Go" };
  });
}

/** Whether a Docker daemon responds within a few seconds. */
export async function dockerAvailable(): Promise<boolean> {
  try {
    await run("docker", ["info", "--format", "{{.ServerVersion}}"], { timeout: 4_000 });
    return true;
  } catch {
    return false;
  }
}

/** Whether a real server can be started without building it. `how` gives the reason. */
export async function locateS3(
  kind: "rustfs" | "versitygw",
): Promise<{ readonly here: boolean; readonly how: string }> {
  const found = kind === "rustfs" ? await locateRustfs() : await locateVersitygw({ build: false });
  if (found.command !== undefined) return { here: true, how: found.how };
  if (kind === "rustfs" && (await dockerAvailable()))
    return { here: true, how: `${found.how}, but Docker is running` };
  return { here: false, how: found.how };
}

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdir, rm, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { withDirectoryLock } from "../cache/directory-lock.js";
import { cacheDirectory } from "../cache/place.js";

const run = promisify(execFile);

/** A server's program, and in words where it was found; or in words why there is none. */
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

/** The full path of a program on PATH. */
export async function findOnPath(name: string): Promise<string | undefined> {
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(directory, process.platform === "win32" ? `${name}.exe` : name);
    if (directory !== "" && (await executable(path))) return path;
  }
  return undefined;
}

/** A program that an environment variable names, or that lies on PATH. */
async function locateProgram(name: string, variable: string): Promise<Located> {
  const named = process.env[variable];
  if (named !== undefined && named !== "") {
    if (await executable(named)) return { command: named, how: `${variable} names it` };
    throw new Error(`${variable} is set, but names no file that can be run`);
  }
  const command = await findOnPath(name);
  return command === undefined
    ? { command, how: `no ${name}: ${variable} is not set and PATH has none` }
    : { command, how: `${name} is on PATH` };
}

/** @throws Error when RUSTFS_BIN names nothing that can be run */
export const locateRustfs = (): Promise<Located> => locateProgram("rustfs", "RUSTFS_BIN");

/**
 * Finds versitygw; where it is not and `build` is set, builds it with go into the cache, which takes over a minute.
 * @throws Error when VERSITYGW_BIN names nothing that can be run
 */
export async function locateVersitygw(options: {
  readonly build: boolean;
  readonly log?: (line: string) => void;
}): Promise<Located> {
  const found = await locateProgram("versitygw", "VERSITYGW_BIN");
  if (found.command !== undefined) return found;
  const directory = join(cacheDirectory(), "go-bin");
  const built = join(directory, process.platform === "win32" ? "versitygw.exe" : "versitygw");
  if (await executable(built))
    return { command: built, how: "versitygw was built with go by an earlier run" };
  const go = await findOnPath("go");
  if (go === undefined)
    return { command: undefined, how: `${found.how}, and there is no go to build it with` };
  if (!options.build)
    return { command: undefined, how: `${found.how}, and no earlier run has built it with go` };
  return withDirectoryLock(`${directory}.lock`, BUILD_MS, async (): Promise<Located> => {
    if (await executable(built))
      return { command: built, how: "versitygw was built with go by another process" };
    options.log?.(`building ${VERSITYGW} with go: this takes more than a minute, once`);
    await mkdir(directory, { recursive: true });
    try {
      await run(go, ["install", VERSITYGW], { env: { ...process.env, GOBIN: directory }, timeout: BUILD_MS });
    } catch (error) {
      await rm(built, { force: true });
      const { stderr } = error as { stderr?: string };
      const last = (stderr ?? String(error)).trim().split("\n").at(-1) ?? "";
      return { command: undefined, how: `${found.how}, and building it with go failed: ${last}` };
    }
    return { command: built, how: "versitygw was built with go" };
  });
}

/** Whether docker runs here, within a few seconds. */
export async function dockerAnswers(): Promise<boolean> {
  try {
    await run("docker", ["info", "--format", "{{.ServerVersion}}"], { timeout: 4_000 });
    return true;
  } catch {
    return false;
  }
}

/** Whether a real server can be started without building it, and in words how or why not. */
export async function locateS3(
  kind: "rustfs" | "versitygw",
): Promise<{ readonly here: boolean; readonly how: string }> {
  const found = kind === "rustfs" ? await locateRustfs() : await locateVersitygw({ build: false });
  if (found.command !== undefined) return { here: true, how: found.how };
  if (kind === "rustfs" && (await dockerAnswers()))
    return { here: true, how: `${found.how}, but docker answers` };
  return { here: false, how: found.how };
}

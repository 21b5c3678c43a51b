/** Runs the built command in its own process. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { S3Server } from "@peekpack/testing";
import { expect, vi } from "vitest";

// Each process takes seconds to start on a busy machine, and a test starts several.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 });

export const root: string = fileURLToPath(new URL("../../../", import.meta.url));
const command = join(root, "packages/cli/bin/peekpack.js");

/** The environment in which the command uses a server. */
export function s3Environment(server: S3Server): NodeJS.ProcessEnv {
  return {
    AWS_ENDPOINT_URL_S3: server.endpoint,
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    AWS_REGION: server.region,
  };
}

/** How a process ended, and what it wrote. */
export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** How a command is run. */
export interface ChildOptions {
  readonly input?: string | Uint8Array;
  /** Added to the environment of the tests. Undefined: the variable is not set. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The built command, run in a folder of its own. */
export interface BuiltCommand {
  /** The working directory of the command. */
  readonly folder: string;
  start(argv: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess;
  run(argv: readonly string[], options?: ChildOptions): Promise<Ended>;
  /** Runs a command that must succeed with an empty stderr. @returns its output */
  output(argv: readonly string[], options?: ChildOptions): Promise<string>;
  /** Removes the folder. */
  remove(): Promise<void>;
}

/** Builds the command, and makes its folder. */
export async function builtCommand(): Promise<BuiltCommand> {
  const folder = await mkdtemp(join(tmpdir(), "peekpack-cli-"));
  await promisify(execFile)("npx", ["tsc", "-b", "packages/cli"], { cwd: root });
  const start = (argv: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess =>
    spawn(process.execPath, [command, ...argv], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: "pipe",
    });
  const run = async (
    argv: readonly string[],
    { input = "", env = {} }: ChildOptions = {},
  ): Promise<Ended> => {
    const child = start(argv, env);
    const end = ended(child);
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
    return end;
  };
  return {
    folder,
    start,
    run,
    output: async (argv, options) => {
      const { status, stdout, stderr } = await run(argv, options);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      return stdout.toString();
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Waits for the end of a process. */
export function ended(child: ChildProcess): Promise<Ended> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) =>
      resolve({ status, signal, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() }),
    );
  });
}

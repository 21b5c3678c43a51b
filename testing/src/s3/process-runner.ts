import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { S3Access } from "./client.js";
import { type Runner, type Watched, waitUntilReady } from "./runner.js";

const READY_MS = 100_000;
const LOG_LINES = 40;

/** A free port on 127.0.0.1. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** How to run one kind of server. */
export interface ServerProgram {
  readonly name: string;
  readonly command: string;
  readonly args: (port: number, directory: string) => readonly string[];
  readonly env: (access: S3Access, port: number) => Readonly<Record<string, string>>;
}

/** Runs a server as a child process with a temporary directory. */
export class ProcessRunner implements Runner, Watched {
  readonly access: S3Access;
  readonly #program: ServerProgram;
  readonly #port: number;
  readonly #directory: string;
  #child: ChildProcess | undefined;
  #ended: string | undefined;
  #lines: string[] = [];
  readonly #killNow = (): void => this.#signal();

  private constructor(program: ServerProgram, access: S3Access, port: number, directory: string) {
    this.#program = program;
    this.access = access;
    this.#port = port;
    this.#directory = directory;
  }

  static async create(program: ServerProgram, access: Omit<S3Access, "endpoint">): Promise<ProcessRunner> {
    const directory = await mkdtemp(join(tmpdir(), `peekpack-${program.name}-`));
    const port = await freePort();
    return new ProcessRunner(program, { ...access, endpoint: `http://127.0.0.1:${port}` }, port, directory);
  }

  async start(): Promise<void> {
    await this.kill();
    const { command, args, env } = this.#program;
    this.#ended = undefined;
    this.#lines = [];
    // A process group of its own: killing a wrapper script also kills the server.
    const child = spawn(command, args(this.#port, this.#directory), {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, ...env(this.access, this.#port) },
    });
    this.#child = child;
    child.on("error", (error) => {
      this.#ended = `cannot be run: ${error.message}`;
    });
    for (const stream of [child.stdout, child.stderr]) this.#collect(stream);
    const guard = guardChild(child, this.#directory);
    process.on("exit", this.#killNow);
    child.on("exit", (code, signal) => {
      this.#ended ??= `ended with ${signal ?? `exit code ${code}`}`;
      process.off("exit", this.#killNow);
      guard?.kill("SIGKILL");
    });
    child.unref();
    await waitUntilReady(this.#program.name, this.access, this, READY_MS);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.pid === undefined) return;
    const running = child.exitCode === null && child.signalCode === null;
    const exited = running ? once(child, "exit") : undefined;
    // The child is unref'd: referencing it again keeps this process alive until the child has exited.
    child.ref();
    this.#signal();
    await exited;
    this.#child = undefined;
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 3 });
  }

  ended(): string | undefined {
    return this.#ended;
  }

  log(): string {
    const { accessKeyId, secretAccessKey } = this.access.credentials;
    return this.#lines.join("\n").replaceAll(secretAccessKey, "***").replaceAll(accessKeyId, "***");
  }

  #signal(): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
    } catch {
      // It has exited.
    }
  }

  #collect(stream: Readable): void {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = (lines.pop() ?? "").slice(-4096);
      this.#lines.push(...lines);
      if (this.#lines.length > LOG_LINES) this.#lines.splice(0, this.#lines.length - LOG_LINES);
    });
    if ("unref" in stream && typeof stream.unref === "function") stream.unref();
  }
}

/**
 * Ends the server and removes its directory when this process dies without a word, for example by SIGKILL: a shell
 * that waits for the end of a pipe which only this process holds open.
 */
function guardChild(child: ChildProcess, directory: string): ChildProcess | undefined {
  if (process.platform === "win32" || child.pid === undefined) return undefined;
  // Words of the shell itself as far as may be: PATH may name nothing.
  const script = 'while read -r _; do :; done; kill -KILL "-$1" 2>/dev/null; /bin/rm -rf "$2"';
  const guard = spawn("/bin/sh", ["-c", script, "guard", String(child.pid), directory], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => {});
  guard.unref();
  const { stdin } = guard;
  stdin.on("error", () => {});
  if ("unref" in stdin && typeof stdin.unref === "function") stdin.unref();
  return guard;
}

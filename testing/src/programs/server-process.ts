import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import {
  freePort,
  type ServerDescription,
  type ServerRunner,
  type Watched,
  waitUntilReady,
  withoutSecrets,
} from "./server.js";

const READY_MS = 100_000;
const LOG_LINES = 40;

/** How to run a server's program. */
export interface ServerProgram extends ServerDescription {
  readonly command: string;
  /** `directory` is empty, and removed with the server. */
  readonly args: (port: number, directory: string) => readonly string[];
  readonly env?: ((port: number) => Readonly<Record<string, string>>) | undefined;
}

/** Runs a server as a child process with a temporary directory. */
export class ServerProcess implements ServerRunner, Watched {
  readonly port: number;
  readonly #program: ServerProgram;
  readonly #directory: string;
  #child: ChildProcess | undefined;
  #ended: string | undefined;
  #lines: string[] = [];
  readonly #killNow = (): void => this.#signal();

  private constructor(program: ServerProgram, port: number, directory: string) {
    this.#program = program;
    this.port = port;
    this.#directory = directory;
  }

  /** Chooses a port and a directory. Starts nothing. */
  static async create(program: ServerProgram): Promise<ServerProcess> {
    const directory = await mkdtemp(join(tmpdir(), `peekpack-${program.name}-`));
    return new ServerProcess(program, await freePort(), directory);
  }

  async start(): Promise<void> {
    await this.kill();
    const { name, command, args, env, probe } = this.#program;
    this.#ended = undefined;
    this.#lines = [];
    const guard = startGuard(this.#directory);
    // A process group of its own: killing a wrapper script also kills the server.
    const child = spawn(command, args(this.port, this.#directory), {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, ...env?.(this.port) },
    });
    this.#child = child;
    child.on("error", (error) => {
      this.#ended = `cannot be run: ${error.message}`;
    });
    for (const stream of [child.stdout, child.stderr]) this.#collect(stream);
    if (child.pid === undefined) guard?.kill("SIGKILL");
    else guard?.stdin.write(`${child.pid}\n`);
    process.on("exit", this.#killNow);
    child.on("exit", (code, signal) => {
      this.#ended ??= `ended with ${signal ?? `exit code ${code}`}`;
      process.off("exit", this.#killNow);
      guard?.kill("SIGKILL");
    });
    child.unref();
    await waitUntilReady(name, () => probe(this.port), this, READY_MS);
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
    return withoutSecrets(this.#lines.join("\n"), this.#program.secrets);
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
 * Starts a process that ends the server and removes its directory when this process dies without a word, for example by
 * SIGKILL: a shell that waits for the end of a pipe which only this process holds open. The server's process id is written to it. It
 * starts before the server, so that no server is without one.
 */
function startGuard(directory: string): ChildProcessByStdio<Writable, null, null> | undefined {
  if (process.platform === "win32") return undefined;
  // Words of the shell itself as far as may be: PATH may name nothing.
  const script =
    'pid=; while read -r line; do pid=$line; done; [ -n "$pid" ] && kill -KILL "-$pid" 2>/dev/null; /bin/rm -rf "$1"';
  const guard = spawn("/bin/sh", ["-c", script, "guard", directory], {
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

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Facts, Lap, Request } from "./job.js";

/** Description of a contestant. */
export interface Entry {
  /** Name in the table: "msgpackr pack". */
  readonly name: string;
  /** "FILE/NAME": a job of jobs/FILE.ts, or with `python` a function of python/FILE.py. */
  readonly job: string;
  readonly parameters: unknown;
  /** The Python to run it with, for Python jobs. */
  readonly python?: string | undefined;
  /** Options of node: "--max-old-space-size=8192". */
  readonly nodeOptions?: readonly string[] | undefined;
}

/** A process that runs laps of one job on request. */
export class Contestant {
  readonly name: string;
  /** Facts of the prepared job. */
  readonly facts: Facts;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #responses: AsyncIterator<string>;
  readonly #errors: string[];

  private constructor(
    entry: Entry,
    child: ChildProcessWithoutNullStreams,
    responses: AsyncIterator<string>,
    errors: string[],
    facts: Facts,
  ) {
    this.name = entry.name;
    this.facts = facts;
    this.#child = child;
    this.#responses = responses;
    this.#errors = errors;
  }

  /** Starts a process and prepares its job. */
  static async start(entry: Entry): Promise<Contestant> {
    const { job, parameters, python, nodeOptions = [] } = entry;
    const program = python ?? process.execPath;
    const args =
      python === undefined
        ? [
            "--expose-gc",
            ...nodeOptions,
            ...(process.env.BENCH_NODE_OPTIONS?.split(" ") ?? []),
            fileURLToPath(new URL("./runner.js", import.meta.url)),
          ]
        : [fileURLToPath(new URL("../python/runner.py", import.meta.url))];
    const child = spawn(program, args, {
      env: { ...process.env, PYTHONUTF8: "1", PYTHONDONTWRITEBYTECODE: "1" },
    });
    await once(child, "spawn");
    child.stdin.on("error", () => {});
    const errors: string[] = [];
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => errors.push(text));
    const responses = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const facts = (await request(child, responses, errors, entry.name, { job, parameters })) as Facts;
    return new Contestant(entry, child, responses, errors, facts);
  }

  /** Runs the job `repeat` times. @returns times per run */
  async lap(repeat: number, argument?: unknown): Promise<Lap> {
    return (await request(this.#child, this.#responses, this.#errors, this.name, {
      repeat,
      argument,
    })) as Lap;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    await exited;
    clearTimeout(timer);
  }
}

async function request(
  child: ChildProcessWithoutNullStreams,
  responses: AsyncIterator<string>,
  errors: readonly string[],
  name: string,
  message: Request,
): Promise<unknown> {
  child.stdin.write(`${JSON.stringify(message)}\n`);
  const { value, done } = await responses.next();
  if (done !== true) return JSON.parse(value);
  const last = errors.join("").trim().split("\n").slice(-12).join("\n");
  throw new Error(`The process of "${name}" has ended:\n${last}`);
}

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Facts, Lap, Request } from "./job.js";

/** Who takes part, and with what. */
export interface Entry {
  /** As it stands in the table: "msgpackr pack". */
  readonly name: string;
  /** "FILE/NAME": a job of jobs/FILE.ts, or with `python` a function of python/FILE.py. */
  readonly job: string;
  readonly parameters: unknown;
  /** The Python that runs it, if it is one of Python's. */
  readonly python?: string | undefined;
  /** Further options of node: "--max-old-space-size=8192". */
  readonly nodeOptions?: readonly string[] | undefined;
}

/** A process that runs one job's laps when it is told to. */
export class Contestant {
  readonly name: string;
  /** Known once the job is ready. */
  readonly facts: Facts;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  readonly #errors: string[];

  private constructor(
    entry: Entry,
    child: ChildProcessWithoutNullStreams,
    answers: AsyncIterator<string>,
    errors: string[],
    facts: Facts,
  ) {
    this.name = entry.name;
    this.facts = facts;
    this.#child = child;
    this.#answers = answers;
    this.#errors = errors;
  }

  /** Starts a process, and waits until its job is ready. */
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
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const facts = (await ask(child, answers, errors, entry.name, { job, parameters })) as Facts;
    return new Contestant(entry, child, answers, errors, facts);
  }

  /** Runs the job so many times, and says what one of them took. */
  async lap(repeat: number, argument?: unknown): Promise<Lap> {
    return (await ask(this.#child, this.#answers, this.#errors, this.name, { repeat, argument })) as Lap;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.stdin.end();
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    await exited;
    clearTimeout(late);
  }
}

async function ask(
  child: ChildProcessWithoutNullStreams,
  answers: AsyncIterator<string>,
  errors: readonly string[],
  name: string,
  request: Request,
): Promise<unknown> {
  child.stdin.write(`${JSON.stringify(request)}\n`);
  const { value, done } = await answers.next();
  if (done !== true) return JSON.parse(value);
  const last = errors.join("").trim().split("\n").slice(-12).join("\n");
  throw new Error(`The process of "${name}" has ended:\n${last}`);
}

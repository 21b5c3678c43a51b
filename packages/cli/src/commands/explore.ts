import { createInterface } from "node:readline";
import type { Arguments } from "../arguments.js";
import { type Command, type Context, READ_OPTIONS } from "../command.js";
import { failureLine } from "../failure.js";
import { ReaderLeft } from "../output.js";
import { Places } from "../place.js";
import { Walker } from "../walker.js";

/** `peekpack explore`: walks through an archive, line by line. */
export const explore: Command = {
  name: "explore",
  synopsis: "ARCHIVE",
  summary: "Walk through an archive: cd, ls, cat, info, pwd, exit",
  details: [
    "Lines come from the terminal, with completion of keys by the tabulator, or from a pipe. Then the exit status is 1",
    "if one of them failed. help lists what there is.",
  ].join("\n"),
  options: READ_OPTIONS,
  positionals: [1, 1],
  run,
};

async function run(args: Arguments, context: Context): Promise<number> {
  const { stdin, output, stderr, signal } = context;
  const archive = await new Places(args, context).open(args.positionals[0] ?? "");
  const walker = new Walker(archive, output);
  const terminal = output.isTerminal && (stdin as { isTTY?: boolean }).isTTY === true;
  const lines = createInterface({
    input: stdin,
    ...(terminal ? { output: output.stream, completer: completer(walker) } : {}),
    terminal,
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  // In a terminal the interrupt key is a key that is read; it means the same as elsewhere.
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const stop = (): void => lines.close();
  signal?.addEventListener("abort", stop);
  let failed = false;
  const prompt = (): void => {
    if (!terminal) return;
    lines.setPrompt(`${walker.place}> `);
    lines.prompt();
  };
  try {
    prompt();
    for await (const line of lines) {
      try {
        if (!(await walker.run(line))) break;
      } catch (error) {
        if (error instanceof ReaderLeft || signal?.aborted) throw error;
        failed = true;
        stderr.write(`peekpack: ${failureLine(error)}\n`);
      }
      prompt();
    }
    signal?.throwIfAborted();
  } finally {
    signal?.removeEventListener("abort", stop);
    lines.close();
    await archive.close();
  }
  return failed && !terminal ? 1 : 0;
}

/** Completes by callback: readline takes a rejected promise for nothing at all. */
function completer(walker: Walker) {
  return (line: string, done: (error: null, result: [string[], string]) => void): void => {
    walker.complete(line).then(
      (found) => done(null, found),
      () => done(null, [[], line]),
    );
  };
}

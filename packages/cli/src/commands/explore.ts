import { createInterface } from "node:readline";
import { ArchiveAccess } from "../archive-access.js";
import type { Arguments } from "../arguments.js";
import { type Command, type Context, READ_OPTIONS } from "../command.js";
import { errorLine } from "../error-line.js";
import { OutputClosed } from "../output.js";
import { Shell } from "../shell.js";

/** `peekpack explore`: a shell to walk through an archive. */
export const explore: Command = {
  name: "explore",
  synopsis: "ARCHIVE",
  summary: "Walk through an archive: cd, ls, cat, info, pwd, exit",
  details: [
    "Lines are read from the terminal, with Tab completion of keys, or from a pipe. From a pipe, the exit status is 1 if",
    "a line failed. Type help for the commands.",
  ].join("\n"),
  options: READ_OPTIONS,
  examples: ["explore data.msglc"],
  positionals: [1, 1],
  run,
};

async function run(args: Arguments, context: Context): Promise<number> {
  const { stdin, output, stderr, signal } = context;
  const archive = await new ArchiveAccess(args, context).open(args.positionals[0] ?? "");
  const shell = new Shell(archive, output);
  const terminal = output.isTerminal && (stdin as { isTTY?: boolean }).isTTY === true;
  const lines = createInterface({
    input: stdin,
    ...(terminal ? { output: output.stream, completer: completer(shell) } : {}),
    terminal,
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  // The line editor reads Ctrl-C as a key. It ends the command as elsewhere.
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const stop = (): void => lines.close();
  signal?.addEventListener("abort", stop);
  let failed = false;
  const prompt = (): void => {
    if (!terminal) return;
    lines.setPrompt(`${shell.location}> `);
    lines.prompt();
  };
  try {
    prompt();
    for await (const line of lines) {
      try {
        if (!(await shell.run(line))) break;
      } catch (error) {
        if (error instanceof OutputClosed || signal?.aborted) throw error;
        failed = true;
        stderr.write(`peekpack: ${errorLine(error)}\n`);
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

/** Completes by callback: readline ignores a rejected promise. */
function completer(shell: Shell) {
  return (line: string, done: (error: null, result: [string[], string]) => void): void => {
    shell.complete(line).then(
      (found) => done(null, found),
      () => done(null, [[], line]),
    );
  };
}

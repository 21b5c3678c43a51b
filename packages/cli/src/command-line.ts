import type { Readable, Writable } from "node:stream";
import { parseArguments, UsageError } from "./arguments.js";
import { closest } from "./closest.js";
import type { Command } from "./command.js";
import { append } from "./commands/append.js";
import { cat } from "./commands/cat.js";
import { combine } from "./commands/combine.js";
import { completion } from "./commands/completion.js";
import { compress } from "./commands/compress.js";
import { decompress } from "./commands/decompress.js";
import { discard } from "./commands/discard.js";
import { doctor } from "./commands/doctor.js";
import { explore } from "./commands/explore.js";
import { exportTable } from "./commands/export.js";
import { extract } from "./commands/extract.js";
import { indexArchive } from "./commands/index-archive.js";
import { info } from "./commands/info.js";
import { ls } from "./commands/ls.js";
import { pending } from "./commands/pending.js";
import { query } from "./commands/query.js";
import { resume } from "./commands/resume.js";
import { sweep } from "./commands/sweep.js";
import { verify } from "./commands/verify.js";
import { write } from "./commands/write.js";
import { errorLine } from "./error-line.js";
import { COMMON_OPTIONS, helpText, overview, usageLine, versionLine } from "./help-text.js";
import { Interrupted, SIGNAL_STATUS } from "./interrupted.js";
import { Output, OutputClosed } from "./output.js";
import { Progress } from "./progress.js";

const COMMANDS: readonly Command[] = [
  info,
  ls,
  cat,
  query,
  verify,
  write,
  combine,
  append,
  extract,
  exportTable,
  indexArchive,
  compress,
  decompress,
  explore,
  pending,
  resume,
  discard,
  sweep,
  doctor,
  completion,
];

/** The streams of the process, and a signal. */
export interface Streams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Aborts the command. Unfinished output is removed. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs the command line `peekpack …argv`.
 *
 * @returns the exit status: 0; 1 after one line `peekpack: CODE: message` on stderr; 2 for wrong usage; 130 or 143
 *   after an abort
 */
export async function main(argv: readonly string[], streams: Streams): Promise<number> {
  const { stderr, signal } = streams;
  const progress = new Progress(stderr);
  const output = new Output(streams.stdout, progress, signal);
  try {
    const status = await dispatch(argv, { ...streams, output, progress });
    await output.flush();
    return status;
  } catch (error) {
    progress.stop();
    if (error instanceof OutputClosed) return 0;
    if (signal?.aborted) {
      return signal.reason instanceof Interrupted ? signal.reason.status : SIGNAL_STATUS.SIGINT;
    }
    stderr.write(`peekpack: ${errorLine(error)}\n`);
    return 1;
  } finally {
    progress.stop();
  }
}

async function dispatch(
  argv: readonly string[],
  context: Streams & { readonly output: Output; readonly progress: Progress },
): Promise<number> {
  const { output, progress, stderr, stdin, signal } = context;
  const [name, ...rest] = argv;
  if (name === "--version") return print(output, versionLine());
  if (name === "help" || name === "--help" || name === "-h") {
    const [about] = rest;
    if (about === undefined) return print(output, overview(COMMANDS));
    const command = find(about);
    return command === undefined ? unknownCommand(about, stderr) : print(output, helpText(command));
  }
  const command = find(name);
  if (command === undefined) return unknownCommand(name, stderr);
  try {
    const args = parseArguments(rest, { ...command.options, ...COMMON_OPTIONS });
    if (args.flag("help")) return await print(output, helpText(command));
    if (args.flag("version")) return await print(output, versionLine());
    if (args.flag("quiet")) progress.disable();
    const [min, max] = command.positionals;
    if (args.positionals.length < min) throw new UsageError("too few arguments");
    if (args.positionals.length > max) throw new UsageError("too many arguments");
    return (await command.run(args, { commands: COMMANDS, output, progress, stderr, stdin, signal })) ?? 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    stderr.write(`peekpack: usage: ${error.message}\n${usageLine(command)}\n`);
    return 2;
  }
}

function find(name: string | undefined): Command | undefined {
  return COMMANDS.find((command) => command.name === name);
}

function unknownCommand(name: string | undefined, stderr: Writable): number {
  let fault = name === undefined ? "a command is missing" : `there is no command ${JSON.stringify(name)}`;
  const similar = closest(
    name ?? "",
    COMMANDS.map((command) => command.name),
  );
  if (similar !== undefined) fault += `. Did you mean ${similar}?`;
  stderr.write(`peekpack: usage: ${fault}\n${overview(COMMANDS)}`);
  return 2;
}

async function print(output: Output, text: string): Promise<number> {
  await output.write(text);
  return 0;
}

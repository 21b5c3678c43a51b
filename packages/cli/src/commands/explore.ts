import { createInterface } from "node:readline";
import { readEngine } from "@peekpack/core";
import { ArchiveAccess } from "../archive-access.js";
import { type Arguments, UsageError } from "../arguments.js";
import { type Command, type Context, READ_OPTIONS } from "../command.js";
import { errorLine } from "../error-line.js";
import { explorerPage, type ServedArchive, sampleArchives } from "../explorer-page.js";
import { serveExplorer } from "../explorer-server.js";
import { OutputClosed } from "../output.js";
import { Shell } from "../shell.js";

/** `peekpack explore`: opens an archive in the explorer, or in a shell to walk through it. */
export const explore: Command = {
  name: "explore",
  synopsis: "[ARCHIVE]",
  summary: "Open an archive in the explorer, a page in the browser, or walk through it with --shell",
  details: [
    "Serves the explorer and the archive on 127.0.0.1 until it is interrupted, and prints the address. The address contains a",
    "random token: everyone on this machine who has it can read the archive. Archives on S3 are read with the credentials of the",
    "command, which the page does not get. Without ARCHIVE the first page opens: it offers samples and asks for an archive.",
    "",
    "With --shell: cd, ls, cat, info, pwd, exit. Lines are read from the terminal, with Tab completion of keys, or from a pipe.",
    "From a pipe, the exit status is 1 if a line failed. Type help for the commands.",
  ].join("\n"),
  options: {
    ...READ_OPTIONS,
    port: { value: "N", help: "port of the page (default: a free one)" },
    shell: { help: "walk through the archive in this terminal" },
  },
  examples: ["explore", "explore data.msglc", "explore s3://bucket/data.msglc", "explore --shell data.msglc"],
  positionals: [0, 1],
  run,
};

function run(args: Arguments, context: Context): Promise<number> {
  return args.flag("shell") ? walk(args, context) : serve(args, context);
}

/** Serves the explorer until the signal aborts. */
async function serve(args: Arguments, context: Context): Promise<number> {
  const { output, signal } = context;
  const [text] = args.positionals;
  if (args.text("page-index-file") !== undefined) throw new UsageError("--page-index-file needs --shell");
  const port = args.count("port");
  if (port !== undefined && port > 65_535) throw new UsageError("--port is at most 65535");
  const access = new ArchiveAccess(args, context);
  // Opened once: a file that is not an archive is reported here.
  if (text !== undefined) await access.use(text, async () => {});
  const files = await explorerPage();
  const archive = text === undefined ? undefined : servedArchive(text, access, args.count("offset") ?? 0);
  const samples = text === undefined ? await sampleArchives() : [];
  const server = await serveExplorer(files, archive, samples, { port, signal });
  try {
    await output.write(`${server.url}\n`);
    await new Promise<void>((resolve) => {
      if (signal?.aborted) resolve();
      signal?.addEventListener("abort", () => resolve(), { once: true });
    });
    signal?.throwIfAborted();
  } finally {
    await server.close();
    await access.close();
    await Promise.all(samples.map(({ source }) => source.close?.()));
  }
  return 0;
}

function servedArchive(text: string, access: ArchiveAccess, offset: number): ServedArchive {
  const name =
    text
      .replace(/[?#].*$/s, "")
      .split(/[/\\]/)
      .pop() || "archive.msglc";
  const source = readEngine(access.source(text), { readAhead: 0 });
  return { path: `archive/${encodeURIComponent(name)}`, source, offset };
}

/** Walks through the archive in the terminal. */
async function walk(args: Arguments, context: Context): Promise<number> {
  const { stdin, output, stderr, signal } = context;
  const [text] = args.positionals;
  if (text === undefined) throw new UsageError("--shell needs an archive");
  const archive = await new ArchiveAccess(args, context).open(text);
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

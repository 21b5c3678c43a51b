import { Readable, Writable } from "node:stream";
import { main } from "../src/index.js";

/** The outcome of a command. */
export interface Outcome {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/**
 * Runs a command line in this process.
 * @param options.terminal standard output is a terminal
 * @param options.errorTerminal standard error is a terminal
 */
export async function run(
  argv: readonly string[],
  input: string | Uint8Array = "",
  { terminal = false, errorTerminal = false }: { terminal?: boolean; errorTerminal?: boolean } = {},
): Promise<Outcome> {
  const out = collector();
  if (terminal) Object.assign(out.stream, { isTTY: true });
  const err = collector();
  if (errorTerminal) Object.assign(err.stream, { isTTY: true, columns: 100 });
  const stdin = Readable.from([Buffer.from(input)]);
  const status = await main(argv, { stdin, stdout: out.stream, stderr: err.stream });
  return { status, stdout: out.bytes(), stderr: err.bytes().toString() };
}

/** Runs a command line that must succeed with an empty stderr. @returns its output */
export async function ok(argv: readonly string[], input: string | Uint8Array = ""): Promise<Buffer> {
  const { status, stdout, stderr } = await run(argv, input);
  if (status !== 0 || stderr !== "") throw new Error(`peekpack ${argv.join(" ")}: ${status} ${stderr}`);
  return stdout;
}

/** The error code in the one line that a failed command prints. */
export function codeOf({ status, stderr }: Outcome): string {
  const match = /^peekpack: ([a-z-]+): [^\n]+\n$/.exec(stderr);
  if (status !== 1 || match === null) throw new Error(`not a failure in one line: ${status} ${stderr}`);
  return match[1]!;
}

function collector(): { readonly stream: Writable; bytes(): Buffer } {
  const chunks: Buffer[] = [];
  return {
    stream: new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk);
        done();
      },
    }),
    bytes: () => Buffer.concat(chunks),
  };
}

import type { Writable } from "node:stream";
import { type ArchiveSink, memorySink } from "@peekpack/core";

/** The reader of standard output has left, as `head` does: no failure, but nothing is left to be done. */
export class ReaderLeft extends Error {
  constructor() {
    super("The reader of the output has left.");
    this.name = "ReaderLeft";
  }
}

/** Standard output, as fast as its reader takes it. */
export class Output {
  /** For what needs the stream itself, as a terminal's line editor does. */
  readonly stream: Writable;
  readonly #signal: AbortSignal | undefined;
  #failure: Error | undefined;

  constructor(stream: Writable, signal?: AbortSignal) {
    this.stream = stream;
    this.#signal = signal;
    // Without a listener a reader that leaves would end the process with a stack.
    stream.on("error", (error: NodeJS.ErrnoException) => {
      this.#failure ??= error.code === "EPIPE" ? new ReaderLeft() : error;
    });
  }

  /** Whether it goes to a terminal. */
  get isTerminal(): boolean {
    return (this.stream as { isTTY?: boolean }).isTTY === true;
  }

  /**
   * Writes text or bytes, and waits while the reader is behind.
   * @throws ReaderLeft when nobody reads any more; what the stream failed with; the signal's reason
   */
  async write(chunk: string | Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#signal?.throwIfAborted();
    if (chunk.length === 0 || this.stream.write(chunk)) return;
    await this.#room();
    this.#signal?.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when the reader has caught up, and when nothing is to be waited for any more. */
  #room(): Promise<void> {
    const stream = this.stream;
    const signal = this.#signal;
    return new Promise((resolve) => {
      const done = (): void => {
        for (const event of ["drain", "error", "close"]) stream.off(event, done);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      for (const event of ["drain", "error", "close"]) stream.on(event, done);
      signal?.addEventListener("abort", done);
    });
  }

  /** Writes text piece by piece. */
  async writeAll(pieces: Iterable<string> | AsyncIterable<string>): Promise<void> {
    for await (const piece of pieces) await this.write(piece);
  }

  /** Waits until everything has been handed on. @throws as {@link write} */
  async flush(): Promise<void> {
    await new Promise<void>((resolve) => this.stream.write("", () => resolve()));
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** A sink of an archive. It is kept in memory until it is finished: its first bytes are known last. */
  sink(): ArchiveSink {
    const memory = memorySink();
    return {
      write: (chunk) => memory.write(chunk),
      finish: async (header) => {
        const result = await memory.finish(header);
        await this.write(memory.bytes());
        return result;
      },
      abort: (reason) => memory.abort(reason),
    };
  }
}

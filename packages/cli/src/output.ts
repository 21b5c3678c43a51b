import type { Writable } from "node:stream";
import { type ArchiveSink, memorySink } from "@peekpack/core";
import type { Progress } from "./progress.js";
import { Style } from "./style.js";
import { escapeForTerminal } from "./terminal-text.js";

/** The reader of standard output has closed it, as `head` does. This is no failure. */
export class OutputClosed extends Error {
  constructor() {
    super("The reader has closed standard output.");
    this.name = "OutputClosed";
  }
}

/** Standard output, written as fast as it is read. */
export class Output {
  /** The stream itself, for a line editor. */
  readonly stream: Writable;
  /** How text is formatted for it. */
  readonly style: Style;
  readonly #signal: AbortSignal | undefined;
  readonly #progress: Progress;
  #failure: Error | undefined;

  constructor(stream: Writable, progress: Progress, signal?: AbortSignal) {
    this.stream = stream;
    this.#progress = progress;
    this.#signal = signal;
    this.style = new Style((stream as { isTTY?: boolean }).isTTY === true);
    // Without a listener, a reader that closes its end would end the process with a stack trace.
    stream.on("error", (error: NodeJS.ErrnoException) => {
      this.#failure ??= error.code === "EPIPE" ? new OutputClosed() : error;
    });
  }

  /** Whether it is a terminal. */
  get isTerminal(): boolean {
    return this.style.isTerminal;
  }

  /**
   * Writes text or bytes, and waits until the stream takes more. In text for a terminal, characters that it obeys are
   * escaped.
   * @throws OutputClosed if nobody reads any more; the error of the stream; the signal's reason
   */
  async write(chunk: string | Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#signal?.throwIfAborted();
    if (this.isTerminal) this.#progress.hide();
    const safe = this.isTerminal && typeof chunk === "string" ? escapeForTerminal(chunk) : chunk;
    if (chunk.length === 0 || this.stream.write(safe)) return;
    await this.#drained();
    this.#signal?.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when the stream takes more, has failed or is closed, or when the signal aborts. */
  #drained(): Promise<void> {
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

  /** Writes text in chunks. */
  async writeAll(chunks: Iterable<string> | AsyncIterable<string>): Promise<void> {
    for await (const chunk of chunks) await this.write(chunk);
  }

  /** Waits until everything has been written. @throws as {@link write} */
  async flush(): Promise<void> {
    await new Promise<void>((resolve) => this.stream.write("", () => resolve()));
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** A sink for an archive. It is kept in memory until it is finished, because its first bytes come last. */
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

import { type ArchiveSink, HEADER_SIZE } from "@peekpack/core";
import { Output } from "./output.js";

/** Bytes that are collected before they are written. */
const CHUNK = 1024 * 1024;

/**
 * Writes any bytes where archives are written: to a file or an object, which appears as a whole or not at all, or to
 * standard output. A sink takes the first bytes last, as those of an archive.
 */
export class ByteOutput {
  readonly #to: ArchiveSink | Output;
  #head: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(to: ArchiveSink | Output) {
    this.#to = to;
  }

  /** Writes text or bytes, in order. */
  async writeAll(pieces: AsyncIterable<string | Uint8Array>): Promise<void> {
    for await (const piece of pieces) {
      // Copied: a sink owns what it gets.
      const bytes = Buffer.from(piece as Uint8Array);
      this.#chunks.push(bytes);
      this.#length += bytes.length;
      if (this.#length >= CHUNK) await this.#flush();
    }
  }

  /** Completes the output. */
  async finish(): Promise<void> {
    await this.#flush();
    if (!(this.#to instanceof Output)) await this.#to.finish(this.#head);
  }

  /** Removes what was written to a sink. */
  async abort(reason: unknown): Promise<void> {
    if (!(this.#to instanceof Output)) await this.#to.abort(reason);
  }

  async #flush(): Promise<void> {
    let bytes: Buffer = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#length = 0;
    if (this.#to instanceof Output) {
      await this.#to.write(bytes);
      return;
    }
    const missing = HEADER_SIZE - this.#head.length;
    if (missing > 0) {
      this.#head = Buffer.concat([this.#head, bytes.subarray(0, missing)]);
      bytes = Buffer.from(bytes.subarray(missing));
    }
    if (bytes.length > 0) await this.#to.write(bytes);
  }
}

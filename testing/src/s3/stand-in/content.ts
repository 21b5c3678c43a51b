import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { type FileHandle, open, rm, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Larger bodies are written to a file. */
const MEMORY_BYTES = 1 << 20;
const READ_BYTES = 256 << 10;

/** The bytes of one body, in memory or in a file that is deleted with the last reference. */
interface Run {
  readonly size: number;
  readonly memory: Buffer | undefined;
  readonly file: string | undefined;
  users: number;
}

interface Slice {
  readonly run: Run;
  readonly start: number;
  readonly end: number;
}

/**
 * Immutable, reference-counted bytes of an object or a part. Made of slices of runs, so that completing an upload or copying
 * a range copies no bytes. A new content has one reference; `retain` adds one, `release` drops one.
 */
export class Content {
  readonly size: number;
  readonly #slices: readonly Slice[];
  #references = 1;

  constructor(slices: readonly Slice[]) {
    this.#slices = slices;
    this.size = slices.reduce((sum, slice) => sum + slice.end - slice.start, 0);
    for (const { run } of slices) run.users += 1;
  }

  /** Concatenates contents. */
  static concat(contents: readonly Content[]): Content {
    return new Content(contents.flatMap((content) => content.#slices));
  }

  /** The bytes from `start` to `end` (exclusive), with a reference of its own. */
  slice(start: number, end: number): Content {
    const slices: Slice[] = [];
    let at = 0;
    for (const { run, start: from, end: to } of this.#slices) {
      const first = Math.max(start, at);
      const last = Math.min(end, at + to - from);
      if (first < last) slices.push({ run, start: from + first - at, end: from + last - at });
      at += to - from;
    }
    return new Content(slices);
  }

  /** Reads the bytes from `start` to `end` (exclusive) in pieces. The caller must hold a reference meanwhile. */
  async *read(start = 0, end: number = this.size): AsyncGenerator<Buffer> {
    let at = 0;
    for (const { run, start: from, end: to } of this.#slices) {
      const first = Math.max(start - at, 0);
      const last = Math.min(end - at, to - from);
      at += to - from;
      if (first >= last) continue;
      if (run.memory !== undefined) yield run.memory.subarray(from + first, from + last);
      else yield* readFile(run.file ?? "", from + first, from + last);
    }
  }

  retain(): void {
    this.#references += 1;
  }

  release(): void {
    this.#references -= 1;
    if (this.#references > 0) return;
    for (const { run } of this.#slices) {
      run.users -= 1;
      if (run.users === 0 && run.file !== undefined) unlink(run.file).catch(() => {});
    }
  }
}

async function* readFile(path: string, start: number, end: number): AsyncGenerator<Buffer> {
  const handle = await open(path, "r");
  try {
    for (let at = start; at < end; ) {
      const piece = Buffer.allocUnsafe(Math.min(READ_BYTES, end - at));
      const { bytesRead } = await handle.read(piece, 0, piece.length, at);
      if (bytesRead === 0) throw new Error("a spilled body is shorter than when it was written");
      yield piece.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

/** Writes one body; `finish` keeps it, `discard` drops it. */
export class ContentWriter {
  readonly #spill: SpillDirectory;
  #memory: Buffer[] = [];
  #handle: FileHandle | undefined;
  #path: string | undefined;
  size = 0;

  constructor(spill: SpillDirectory) {
    this.#spill = spill;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.size += bytes.length;
    if (this.#handle === undefined) {
      this.#memory.push(Buffer.from(bytes));
      if (this.size <= MEMORY_BYTES) return;
      this.#path = this.#spill.newPath();
      this.#handle = await open(this.#path, "wx");
      await this.#handle.writev(this.#memory);
      this.#memory = [];
      return;
    }
    await this.#handle.write(bytes);
  }

  /** The written bytes. The caller owns one reference. */
  async finish(): Promise<Content> {
    await this.#handle?.close();
    const memory = this.#handle === undefined ? Buffer.concat(this.#memory) : undefined;
    if (this.size === 0) return new Content([]);
    const run: Run = { size: this.size, memory, file: this.#path, users: 0 };
    return new Content([{ run, start: 0, end: this.size }]);
  }

  /** Drops the written bytes. */
  async discard(): Promise<void> {
    await this.#handle?.close().catch(() => {});
    if (this.#path !== undefined) await unlink(this.#path).catch(() => {});
    this.#memory = [];
  }
}

/** The temporary directory of spilled bodies, created on first use. */
export class SpillDirectory {
  #directory: string | undefined;
  #removed = false;
  /** Removes the directory even if the process exits without closing its stand-in. */
  readonly #removeNow = (): void => {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
  };

  /** @throws Error after `remove`: a body may still be arriving */
  newPath(): string {
    if (this.#removed) throw new Error("the stand-in is closed");
    if (this.#directory === undefined) {
      this.#directory = mkdtempSync(join(tmpdir(), "peekpack-stand-in-"));
      process.on("exit", this.#removeNow);
    }
    return join(this.#directory, randomUUID());
  }

  async remove(): Promise<void> {
    this.#removed = true;
    process.off("exit", this.#removeNow);
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }
}

import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { PeekpackError } from "@peekpack/core";
import { checkDiskSpace } from "./disk-space.js";

/** How much a file may grow. */
export interface GrowthLimits {
  /** Most bytes the file may have. Default no limit but the disk's. */
  readonly maxBytes?: number | undefined;
  /** How large the file will be, where that is known: the disk is asked for room before anything is written. */
  readonly expectedSize?: number | undefined;
}

// Small writes are gathered: a system call for each would cost more than the copy.
const GATHERED = 2 ** 20;
// How often free space is looked at while the file grows.
const SPACE_CHECK = 64 * 2 ** 20;

/** A new file that is written from front to back, with bounded memory. Not for concurrent calls. */
export class GrowingFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #limits: GrowthLimits;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #written: number;
  #unchecked = 0;

  private constructor(path: string, handle: FileHandle, start: number, limits: GrowthLimits) {
    this.path = path;
    this.#handle = handle;
    this.#written = start;
    this.#limits = limits;
  }

  /**
   * Makes a file that must not exist, readable by its owner alone. The first `start` bytes are left for later.
   * @throws PeekpackError `quota` when the expected size has no room
   */
  static async create(path: string, start: number, limits: GrowthLimits): Promise<GrowingFile> {
    const { expectedSize, maxBytes } = limits;
    if (expectedSize !== undefined) {
      if (maxBytes !== undefined && expectedSize > maxBytes) throw overLimit(maxBytes);
      await checkDiskSpace(dirname(path), expectedSize);
    }
    return new GrowingFile(path, await open(path, "wx+", 0o600), start, limits);
  }

  /** Bytes of the file with all that was appended, whether written yet or not. */
  get size(): number {
    return this.#written + this.#gatheredBytes;
  }

  /** Appends bytes that do not change any more. @throws PeekpackError `quota` */
  async append(chunk: Uint8Array): Promise<void> {
    const { maxBytes } = this.#limits;
    if (maxBytes !== undefined && this.size + chunk.length > maxBytes) throw overLimit(maxBytes);
    this.#unchecked += chunk.length;
    if (this.#unchecked >= SPACE_CHECK) {
      await checkDiskSpace(dirname(this.path), this.#gatheredBytes + chunk.length);
      this.#unchecked = 0;
    }
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes >= GATHERED) await this.flush();
  }

  /** Writes what is gathered. */
  async flush(): Promise<void> {
    const chunks = this.#gathered;
    if (chunks.length === 0) return;
    this.#gathered = [];
    const bytes = this.#gatheredBytes;
    this.#gatheredBytes = 0;
    await this.patch(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes), this.#written);
    this.#written += bytes;
  }

  /** Writes over bytes that are there, or were left at the front. */
  async patch(bytes: Uint8Array, start: number = 0): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, start + at);
      at += bytesWritten;
    }
  }

  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size);
  }

  /** Reads from what is written. */
  async read(start: number, end: number): Promise<Uint8Array> {
    return readExactly(this.#handle, start, end);
  }

  /** Has the disk keep what is written. */
  async sync(): Promise<void> {
    await this.flush();
    await this.#handle.datasync();
  }

  async chmod(mode: number): Promise<void> {
    await this.#handle.chmod(mode);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Reads bytes `start` to `end`. @throws PeekpackError `truncated` when the file ends before */
export async function readExactly(handle: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at);
    if (bytesRead === 0) {
      throw new PeekpackError("truncated", "The spool has fewer bytes than were written to it.", {
        section: "spool",
      });
    }
    at += bytesRead;
  }
  return bytes;
}

function overLimit(maxBytes: number): PeekpackError {
  return new PeekpackError("quota", `The archive has more than the ${maxBytes} bytes allowed.`, {
    section: "spool",
  });
}

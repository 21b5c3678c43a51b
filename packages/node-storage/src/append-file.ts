import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { PeekpackError } from "@peekpack/core";
import { checkDiskSpace } from "./disk-space.js";

/** Bounds of the size of a file. */
export interface SizeLimits {
  /** Maximum size of the archive in bytes. Default: limited by the disk only. */
  readonly maxBytes?: number | undefined;
  /** Expected size of the archive in bytes. Free disk space is checked before anything is written. */
  readonly expectedSize?: number | undefined;
}

// Small writes are buffered: one system call each would cost more than the copy.
const BUFFER_BYTES = 2 ** 20;
// How often free disk space is checked while the file grows.
const SPACE_CHECK_BYTES = 64 * 2 ** 20;

/** A new file that is written from start to end with bounded memory. Not for concurrent calls. */
export class AppendFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #limits: SizeLimits;
  #buffered: Uint8Array[] = [];
  #bufferedBytes = 0;
  #written: number;
  #unchecked = 0;

  private constructor(path: string, handle: FileHandle, start: number, limits: SizeLimits) {
    this.path = path;
    this.#handle = handle;
    this.#written = start;
    this.#limits = limits;
  }

  /**
   * Creates a file that only its owner can read. The first `start` bytes are reserved for {@link writeAt}.
   * @throws PeekpackError `quota` if the disk has no room for the expected size
   */
  static async create(path: string, start: number, limits: SizeLimits): Promise<AppendFile> {
    const { expectedSize, maxBytes } = limits;
    if (expectedSize !== undefined) {
      if (maxBytes !== undefined && expectedSize > maxBytes) throw overLimit(maxBytes);
      await checkDiskSpace(dirname(path), expectedSize);
    }
    return new AppendFile(path, await open(path, "wx+", 0o600), start, limits);
  }

  /** Bytes of the file, buffered bytes included. */
  get size(): number {
    return this.#written + this.#bufferedBytes;
  }

  /** Appends bytes. Keeps a reference to `chunk` until they are written. @throws PeekpackError `quota` */
  async append(chunk: Uint8Array): Promise<void> {
    const { maxBytes } = this.#limits;
    if (maxBytes !== undefined && this.size + chunk.length > maxBytes) throw overLimit(maxBytes);
    this.#unchecked += chunk.length;
    if (this.#unchecked >= SPACE_CHECK_BYTES) {
      await checkDiskSpace(dirname(this.path), this.#bufferedBytes + chunk.length);
      this.#unchecked = 0;
    }
    this.#buffered.push(chunk);
    this.#bufferedBytes += chunk.length;
    if (this.#bufferedBytes >= BUFFER_BYTES) await this.flush();
  }

  /** Writes the buffered bytes. */
  async flush(): Promise<void> {
    const chunks = this.#buffered;
    if (chunks.length === 0) return;
    this.#buffered = [];
    const bytes = this.#bufferedBytes;
    this.#bufferedBytes = 0;
    await this.writeAt(this.#written, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
    this.#written += bytes;
  }

  /** Writes over existing or reserved bytes. */
  async writeAt(start: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, start + at);
      at += bytesWritten;
    }
  }

  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size);
  }

  /** Reads written bytes. Buffered bytes need {@link flush} first. */
  async read(start: number, end: number): Promise<Uint8Array> {
    return readExactly(this.#handle, start, end);
  }

  /** Flushes, and waits until the disk has the bytes. */
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

/** Reads bytes `start` to `end`. @throws PeekpackError `truncated` if the file is shorter */
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
  return new PeekpackError("quota", `The archive exceeds maxBytes (${maxBytes}).`, { section: "spool" });
}

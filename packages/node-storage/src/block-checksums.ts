import { crc32 } from "node:zlib";
import { HEADER_SIZE, PeekpackError } from "@peekpack/core";
import { combineCrc32 } from "@peekpack/s3/internal";

// Blocks are aligned to the archive, as parts usually are, so that a part is read without bytes of its neighbors.
export const BLOCK_BYTES: number = 2 ** 20;

/** End of the block that contains an offset of the body, as an offset of the body. The header precedes the body. */
function blockEnd(offset: number): number {
  const position = offset + HEADER_SIZE;
  return position - (position % BLOCK_BYTES) + BLOCK_BYTES - HEADER_SIZE;
}

/** Start of the block that contains an offset of the body. */
function blockStart(offset: number): number {
  return Math.max(0, blockEnd(offset) - BLOCK_BYTES);
}

function blockIndex(offset: number): number {
  return Math.floor((offset + HEADER_SIZE) / BLOCK_BYTES);
}

/** Computes the CRC32 of each block of a body while it is written. */
export class BlockChecksums {
  readonly #finished: number[] = [];
  #offset = 0;
  #current = 0;

  append(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const end = blockEnd(this.#offset);
      const bytes = chunk.subarray(at, at + end - this.#offset);
      this.#current = crc32(bytes, this.#current);
      this.#offset += bytes.length;
      at += bytes.length;
      if (this.#offset === end) {
        this.#finished.push(this.#current);
        this.#current = 0;
      }
    }
  }

  /** The checksums of all blocks so far, four bytes each. */
  value(): Uint8Array {
    const all = [...this.#finished];
    if (this.#offset > 0 && this.#offset < blockEnd(this.#offset - 1)) all.push(this.#current);
    const bytes = new Uint8Array(all.length * 4);
    const view = new DataView(bytes.buffer);
    for (const [i, checksum] of all.entries()) view.setUint32(i * 4, checksum);
    return bytes;
  }
}

/** Number of bytes of the checksums of a body. */
export function checksumBytes(bodySize: number): number {
  return bodySize === 0 ? 0 : 4 * (blockIndex(bodySize - 1) + 1);
}

/** Bytes that can be read by position. */
export interface ReadableBytes {
  read(start: number, end: number): Promise<Uint8Array>;
}

/** A body whose blocks are checked when they are read. */
export interface CheckedBody extends ReadableBytes {
  /** The CRC32 of whole blocks; undefined if `start` or `end` is within a block. */
  crc32(start: number, end: number): number | undefined;
}

/** Checks each block of a body when it is read. @throws PeekpackError `corrupt` from `read` */
export function checkedBody(body: ReadableBytes, bodySize: number, checksums: Uint8Array): CheckedBody {
  const view = new DataView(checksums.buffer, checksums.byteOffset, checksums.byteLength);
  return {
    crc32(start, end) {
      if (start !== blockStart(start) || (end !== bodySize && end !== blockStart(end))) return undefined;
      let sum = 0;
      for (let at = start; at < end; ) {
        const next = Math.min(blockEnd(at), end);
        sum = combineCrc32(sum, view.getUint32(blockIndex(at) * 4), next - at);
        at = next;
      }
      return sum;
    },
    async read(start, end) {
      if (start >= end) return new Uint8Array(0);
      const first = blockStart(start);
      const last = Math.min(blockEnd(end - 1), bodySize);
      const bytes = await body.read(first, last);
      for (let at = first; at < last; ) {
        const next = Math.min(blockEnd(at), last);
        if (crc32(bytes.subarray(at - first, next - first)) !== view.getUint32(blockIndex(at) * 4)) {
          throw new PeekpackError(
            "corrupt",
            `The spool is damaged: bytes ${at} to ${next} of its body have changed.`,
            {
              section: "spool",
            },
          );
        }
        at = next;
      }
      return bytes.subarray(start - first, end - first);
    },
  };
}

import { BYTES_KEY, decodedKeyHash, hashKey, TEXT_KEY } from "./page-index.js";
import { BEYOND, MALFORMED, type TableWalker } from "./page-index-walker.js";

/** Reads the keys of a large map, and hashes them. Offsets are offsets in the walker's buffer. */
export class KeyReader {
  readonly #walker: TableWalker;
  /** The hash of the key that was read last. */
  hash = 0;
  /** Another hash of it, over its encoding if it is neither a text nor a byte string. */
  second = 0;
  /** Bytes from the key's start on that are needed to read it, if `read` has returned {@link BEYOND}. */
  need = 0;

  constructor(walker: TableWalker) {
    this.#walker = walker;
  }

  /**
   * Reads the key at an offset of a buffer that ends at `end`. Returns the offset after it, {@link BEYOND} if the buffer
   * ends before it, or {@link MALFORMED}.
   */
  read(start: number, end: number): number {
    const walker = this.#walker;
    const { bytes } = walker;
    const from = walker.head(start);
    const { kind, value } = walker;
    if ((kind === "text" || kind === "bytes") && value >= 0) {
      const after = from + value;
      this.need = after - start;
      if (after > end) return BEYOND;
      this.hash = hashKey(kind === "text" ? TEXT_KEY : BYTES_KEY, bytes, from, after);
      this.second = secondHash(bytes, from, after, kind === "text" ? 1 : 2);
      return after;
    }
    const after = walker.skip(start, end);
    // Its length is not known: twice as many bytes make trying again cheap.
    this.need = (end - start) * 2;
    if (after === BEYOND || after === MALFORMED) return after;
    this.hash = decodedKeyHash(walker.key(start, after), bytes.subarray(start, after));
    this.second = secondHash(bytes, start, after, 3);
    return after;
  }
}

/** A hash that shares nothing with {@link hashKey}, to tell keys apart whose hash is equal. */
function secondHash(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = 0x9747b28c ^ seed;
  for (let at = start; at < end; at++) {
    hash = Math.imul(hash ^ bytes[at]!, 0x5bd1e995);
    hash = (hash << 13) | (hash >>> 19);
  }
  return hash >>> 0;
}

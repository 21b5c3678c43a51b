/** Holds the part of a table of contents that a writer does not keep in its own buffer. For one caller at a time. */
export interface TableSpill {
  /** Writes bytes at an offset that is at most the end of what was written. They may be overwritten later. */
  write(bytes: Uint8Array, at: number): Promise<void>;
  /** Reads bytes `start` to `end`. The caller keeps them; they do not change any more once nothing is written. */
  read(start: number, end: number): Promise<Uint8Array>;
  /** Removes everything. Idempotent. */
  close(): Promise<void>;
}

/** Bytes that are read from a spill at a time. */
export const SPILL_BLOCK: number = 1024 * 1024;

/** A spill in memory, in blocks: unlike one buffer that grows, it takes no more than what is written. */
export function memorySpill(): TableSpill {
  let blocks: Uint8Array[] = [];
  return {
    async write(bytes, at) {
      for (let done = 0; done < bytes.length; ) {
        const within = (at + done) % SPILL_BLOCK;
        const count = Math.min(bytes.length - done, SPILL_BLOCK - within);
        const index = Math.floor((at + done) / SPILL_BLOCK);
        blocks[index] ??= new Uint8Array(SPILL_BLOCK);
        blocks[index].set(bytes.subarray(done, done + count), within);
        done += count;
      }
    },
    async read(start, end) {
      const first = Math.floor(start / SPILL_BLOCK);
      const from = first * SPILL_BLOCK;
      if (end - from <= SPILL_BLOCK) return blocks[first]!.subarray(start - from, end - from);
      const bytes = new Uint8Array(end - start);
      for (let at = start; at < end; ) {
        const block = blocks[Math.floor(at / SPILL_BLOCK)]!.subarray(at % SPILL_BLOCK);
        bytes.set(block.subarray(0, end - at), at - start);
        at += block.length;
      }
      return bytes;
    },
    async close() {
      blocks = [];
    },
  };
}

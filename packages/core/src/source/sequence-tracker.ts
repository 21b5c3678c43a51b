import type { ByteRange } from "./byte-range.js";

/** Detects sequential reads and chooses what to read ahead. */
export interface SequenceTracker {
  /**
   * Records a read. Returns the range to read ahead, if any: from the third read of a sequence on, with a window that doubles
   * from read to read up to `maxBytes`.
   */
  next(range: ByteRange, maxBytes: number, size: number): ByteRange | undefined;
}

interface Sequence {
  /** Where the next read is expected. */
  nextStart: number;
  /** Number of reads so far. */
  reads: number;
  /** End of what was read ahead. */
  aheadEnd: number;
}

/** Number of sequences that are tracked at once. */
const maxSequences = 4;
/** Bytes that a sequence may skip from one read to the next, such as the headers between values. */
const maxSkip = 4096;
/** First window, in bytes. */
const minWindow = 65_536;

/** Makes a {@link SequenceTracker}. */
export function sequenceTracker(): SequenceTracker {
  /** The most recent last. */
  const list: Sequence[] = [];
  return {
    next({ start, end }, maxBytes, size) {
      const found = list.findIndex(({ nextStart }) => start >= nextStart && start - nextStart <= maxSkip);
      const sequence = found < 0 ? { nextStart: 0, reads: 0, aheadEnd: 0 } : list.splice(found, 1)[0]!;
      list.push(sequence);
      if (list.length > maxSequences) list.shift();
      sequence.nextStart = end;
      if (++sequence.reads < 3) return undefined;
      const window = Math.floor(
        Math.min(maxBytes, Math.max(minWindow, end - start) * 2 ** Math.min(20, sequence.reads - 3)),
      );
      // Starts half a window early, so that the bytes are there when they are needed.
      if (sequence.aheadEnd - end >= window / 2) return undefined;
      const from = Math.max(end, sequence.aheadEnd);
      sequence.aheadEnd = Math.min(size, end + window);
      return from < sequence.aheadEnd ? { start: from, end: sequence.aheadEnd } : undefined;
    },
  };
}

import type { ByteRange } from "./range-source.js";

/** Follows accesses, and says what to fetch ahead of those that go on from one to the next. */
export interface ReadHeads {
  /** Notes a read. Gives the range to fetch ahead, if any: after the third read in a row, and further each time. */
  next(range: ByteRange, most: number, size: number): ByteRange | undefined;
}

interface Head {
  /** Where the next read of a sequence would begin. */
  at: number;
  /** How many reads have followed one another. */
  run: number;
  /** Where what was fetched ahead ends. */
  ahead: number;
}

/** How many sequences are followed at once. */
const heads = 4;
/** A sequence may skip so many bytes from one read to the next: the headers of what lies between. */
const skipped = 4096;
/** First window, in bytes. */
const first = 65_536;

/** Makes {@link ReadHeads}. */
export function readHeads(): ReadHeads {
  /** The latest last. */
  const list: Head[] = [];
  return {
    next({ start, end }, most, size) {
      const found = list.findIndex(({ at }) => start >= at && start - at <= skipped);
      const head = found < 0 ? { at: 0, run: 0, ahead: 0 } : list.splice(found, 1)[0]!;
      list.push(head);
      if (list.length > heads) list.shift();
      head.at = end;
      if (++head.run < 3) return undefined;
      const window = Math.floor(
        Math.min(most, Math.max(first, end - start) * 2 ** Math.min(20, head.run - 3)),
      );
      // Half a window early, so that the bytes are there when the reader is.
      if (head.ahead - end >= window / 2) return undefined;
      const from = Math.max(end, head.ahead);
      head.ahead = Math.min(size, end + window);
      return from < head.ahead ? { start: from, end: head.ahead } : undefined;
    },
  };
}

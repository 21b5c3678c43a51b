import { PeekpackError, type TableSpill } from "@peekpack/core";
import { S3_LIMITS } from "@peekpack/s3";
import type { PartMedium } from "./part-medium.js";
import { checkQuota } from "./storage-quota.js";

/** One piece of a table. Its part may be longer, if its end was overwritten. */
interface Piece {
  readonly number: number;
  /** Offset in the table. */
  readonly start: number;
  readonly end: number;
}

/** Makes numbers of parts that no archive has. */
export function tableNumbers(): () => number {
  let number = S3_LIMITS.parts;
  return () => ++number;
}

/**
 * Holds a table of contents in parts beside those of the archive, one for each write, until it is closed. The journal does not
 * record them: whatever removes the spool removes them.
 */
export function tableParts(medium: PartMedium, spool: string, nextNumber: () => number): TableSpill {
  let pieces: Piece[] = [];
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();
  /** Runs `work` after what is under way, so that nothing is written after `close`. */
  const inOrder = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
  const whileOpen = <T>(work: () => Promise<T>): Promise<T> =>
    inOrder(async () => {
      if (closed) throw new PeekpackError("closed", "The spool is closed.", { section: "spool" });
      return work();
    });
  const remove = async (removed: readonly Piece[]): Promise<void> => {
    for (const { number } of removed) await medium.remove(spool, number);
  };

  return {
    write: (bytes, at) =>
      whileOpen(async () => {
        const overwritten = pieces.filter(({ start }) => start >= at);
        pieces = pieces.filter(({ start }) => start < at).map((piece) => cutAt(piece, at));
        await remove(overwritten);
        await checkQuota(bytes.length);
        const piece = { number: nextNumber(), start: at, end: at + bytes.length };
        const part = await medium.begin(spool, piece.number);
        try {
          await part.append(bytes.slice());
          await part.seal();
        } catch (error) {
          await part.cancel();
          throw error;
        }
        pieces.push(piece);
      }),
    read: (start, end) =>
      whileOpen(async () => {
        const bytes = new Uint8Array(end - start);
        for (const piece of pieces) {
          const from = Math.max(start, piece.start);
          const to = Math.min(end, piece.end);
          if (from >= to) continue;
          const read = await medium.read(spool, piece.number, from - piece.start, to - piece.start);
          if (read.length !== to - from) {
            throw new PeekpackError("truncated", "A part of the table has become shorter.", {
              section: "spool",
            });
          }
          bytes.set(read, from - start);
        }
        return bytes;
      }),
    close: () =>
      inOrder(async () => {
        closed = true;
        const removed = pieces;
        pieces = [];
        await remove(removed);
      }),
  };
}

function cutAt(piece: Piece, at: number): Piece {
  return piece.end <= at ? piece : { ...piece, end: at };
}

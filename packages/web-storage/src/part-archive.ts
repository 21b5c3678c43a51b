import { PeekpackError } from "@peekpack/core";
import { crc32 } from "@peekpack/core/internal";
import { combineCrc32, type SpooledArchive, unfinished } from "@peekpack/s3/internal";
import { archiveSize } from "./journal-record.js";
import type { PartMedium } from "./part-medium.js";
import type { SpoolRecord } from "./spool-journal.js";

/** Opens the complete archive of a spool. Each part is checked when it is read. @throws PeekpackError `unfinished` */
export function openArchive(record: SpoolRecord, medium: PartMedium): SpooledArchive {
  const { sealed } = record;
  const { header, partSize } = record.head;
  const readPart = (number: number): Promise<Uint8Array> => readSealedPart(record, medium, number);
  if (header === undefined) throw unfinished("it is incomplete");
  return {
    header,
    size: archiveSize(record.head, record.sealed),
    pieceBytes: partSize,
    async read(start, end) {
      const first = Math.floor(start / partSize) + 1;
      // A range is usually one part, or the whole archive for a single PUT.
      if (first > 1 && start % partSize === 0 && end - start <= partSize) return readPart(first);
      const whole = new Uint8Array(end - start);
      const place = (bytes: Uint8Array, at: number): void => {
        const from = Math.max(start, at);
        const to = Math.min(end, at + bytes.length);
        if (from < to) whole.set(bytes.subarray(from - at, to - at), from - start);
      };
      place(header, 0);
      for (let number = first; (number - 1) * partSize < end; number++) {
        place(await readPart(number), number === 1 ? header.length : (number - 1) * partSize);
      }
      return whole;
    },
    crc32(start, end) {
      const number = Math.floor(start / partSize) + 1;
      const part = sealed.get(number);
      const first = start === 0;
      const isPart =
        start % partSize === 0 && end - start === (part?.size ?? 0) + (first ? header.length : 0);
      if (!isPart) return undefined;
      if (part === undefined) return first ? crc32(header) : undefined;
      return first ? combineCrc32(crc32(header), part.crc32, part.size) : part.crc32;
    },
    async close() {},
  };
}

/** Reads a sealed part and checks it. Empty if the archive has no such part. @throws PeekpackError `truncated`, `corrupt` */
async function readSealedPart(
  { head, sealed }: SpoolRecord,
  medium: PartMedium,
  number: number,
): Promise<Uint8Array> {
  const expected = sealed.get(number);
  if (expected === undefined) return new Uint8Array(0);
  const bytes = await medium.read(head.id, number, 0, Number.MAX_SAFE_INTEGER);
  if (bytes.length !== expected.size)
    throw damaged("truncated", number, `it has ${bytes.length} of ${expected.size} bytes`);
  if (crc32(bytes) !== expected.crc32) throw damaged("corrupt", number, "its bytes have changed");
  return bytes;
}

function damaged(code: "truncated" | "corrupt", number: number, reason: string): PeekpackError {
  return new PeekpackError(code, `Part ${number} of the spool is damaged: ${reason}.`, { section: "spool" });
}

import { HEADER_SIZE } from "../format/sound-header.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";
import type { Contact } from "./open-archive.js";

/** First contact with an archive that lies somewhere in its object: its start, and its end where that is known. */
export async function contactAt(
  source: RangeSource,
  offset: number,
  { head, tail, size }: { readonly head: number; readonly tail: number; readonly size?: number | undefined },
  reading: ReadOptions,
): Promise<Contact> {
  const ranges = [{ start: offset, end: offset + HEADER_SIZE }];
  if (size !== undefined) {
    const end = offset + size;
    ranges[0]!.end = Math.min(offset + head, end);
    ranges.push({ start: Math.max(offset, end - tail), end });
  }
  const read = await source.read(ranges, reading);
  return { pieces: read.map((bytes, i) => ({ start: ranges[i]!.start, bytes })), room: size };
}

import { type CursorItem, isTextKey } from "@peekpack/core/internal";
import { member, NOTHING } from "./comparison.js";
import { type EncodedValue, type Item, type PlainValue, setPlain } from "./item.js";
import type { Run } from "./run.js";
import type { NameSelector } from "./syntax.js";

/** How many values are decoded at once, and about how many bytes. */
export const MAX_ROW = 256;
export const MAX_ROW_BYTES: number = 256 * 1024;
/** What ends a map of indefinite length in CBOR. */
const BREAK = 0xff;

/** The member under a name. Nothing is decoded, and of duplicate keys the last one counts. */
export function encodedMember(
  { archive, cursor, base, start, end }: EncodedValue,
  { name, utf8 }: NameSelector,
): EncodedValue | PlainValue | undefined {
  const head: CursorItem = { kind: "other", value: 0 };
  let at = cursor.head(start, head);
  if (head.kind === "other") {
    // A tag of CBOR may enclose a map.
    const value = member(archive.decodePlain(cursor.bytes.subarray(start, end)), name);
    return value === NOTHING ? undefined : { kind: "plain", value };
  }
  if (head.kind !== "map" || utf8 === undefined) return undefined;
  const count = head.value;
  let found: EncodedValue | undefined;
  for (let i = 0; count < 0 ? cursor.bytes[at] !== BREAK : i < count; i++) {
    const value = cursor.skip(at);
    cursor.head(at, head);
    // A text may be of indefinite length.
    const fits =
      head.value < 0
        ? archive.decodePlain(cursor.bytes.subarray(at, value)) === name
        : isTextKey(cursor, at, utf8);
    // The last value ends where the map does.
    at = i + 1 === count ? end : cursor.skip(value);
    if (fits) found = { kind: "encoded", archive, cursor, base, start: value, end: at };
  }
  return found;
}

/** Decodes the items that are encoded, many at once. */
export async function decode(items: Iterable<Item>, run: Run): Promise<void> {
  let batch: Item[] = [];
  let values: EncodedValue[] = [];
  let bytes = 0;
  for (const item of items) {
    const { at } = item;
    if (at.kind !== "encoded") continue;
    const size = at.end - at.start;
    if (
      values.length === MAX_ROW ||
      bytes + size > MAX_ROW_BYTES ||
      (values.length > 0 && values[0]!.archive !== at.archive)
    ) {
      await decodeBatch(batch, values, bytes);
      await run.step();
      batch = [];
      values = [];
      bytes = 0;
    }
    batch.push(item);
    values.push(at);
    bytes += size;
  }
  if (batch.length > 0) await decodeBatch(batch, values, bytes);
}

async function decodeBatch(
  batch: readonly Item[],
  values: readonly EncodedValue[],
  size: number,
): Promise<void> {
  const { archive, base } = values[0]!;
  const decoded = await archive.decode(joined(values, size), values.length, base).catch(() => undefined);
  if (decoded !== undefined) {
    for (const [i, item] of batch.entries()) setPlain(item, decoded[i]);
    return;
  }
  // All together exceed a limit, or one of them does: each for itself says which.
  for (const [i, item] of batch.entries()) {
    const { cursor, base, start, end } = values[i]!;
    const [value] = await archive.decode(cursor.bytes.subarray(start, end), 1, base + start);
    setPlain(item, value);
  }
}

/** The encodings of values, one after the other. A view if they follow one another. */
function joined(values: readonly EncodedValue[], size: number): Uint8Array {
  const [first] = values;
  const last = values.at(-1)!;
  const follow = values.every(
    ({ cursor, start }, i) => cursor === first!.cursor && (i === 0 || start === values[i - 1]!.end),
  );
  if (follow) return first!.cursor.bytes.subarray(first!.start, last.end);
  const bytes = new Uint8Array(size);
  let to = 0;
  for (const { cursor, start, end } of values) {
    // Most are numbers and short texts: a view of each would take longer.
    if (end - start <= 32) for (let from = start; from < end; from++) bytes[to++] = cursor.bytes[from]!;
    else {
      bytes.set(cursor.bytes.subarray(start, end), to);
      to += end - start;
    }
  }
  return bytes;
}

/**
 * Decodes a list of `count` 64-bit floats at `at`, each after a byte `tag`; undefined unless all items are such. One loop, so
 * that the engine keeps the numbers in place from the start and makes an object for none: ten times as fast as item by item.
 */
export function floatList(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  count: number,
  tag: number,
): number[] | undefined {
  const end = at + count * 9;
  if (end > bytes.length) return undefined;
  for (let i = at; i < end; i += 9) if (bytes[i] !== tag) return undefined;
  // V8 makes arrays of more than 2^25 items given at once into hash tables.
  const list: number[] = count > 2 ** 25 ? [] : new Array(count);
  for (let i = 0, from = at + 1; i < count; i++, from += 9) list[i] = view.getFloat64(from);
  return list;
}

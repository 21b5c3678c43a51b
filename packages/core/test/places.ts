/** A value in a tree, and the keys and indices that lead to it. */
export interface Place {
  readonly path: (string | number)[];
  readonly value: unknown;
}

/** Every value of a tree of arrays and plain objects, the root first. */
export function* places(value: unknown, path: (string | number)[] = []): Generator<Place> {
  yield { path, value };
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) yield* places(item, [...path, i]);
  } else if (isRecord(value)) {
    for (const [key, item] of Object.entries(value)) yield* places(item, [...path, key]);
  }
}

export function isRecord(value: unknown): value is { [key: string]: unknown } {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** A document with a container of every kind: leaves, maps and lists with a table, lists of blocks, all of them nested. */
export function everyKind(): { [key: string]: unknown } {
  const long = "x".repeat(300);
  return {
    nothing: null,
    yes: true,
    text: "Grüße",
    bytes: Uint8Array.of(1, 2, 3),
    empty: { map: {}, list: [], text: "" },
    leaf: { a: 1, b: [1, 2, { c: [3] }], "d/e": 4, "": 5 },
    list: [10, [20, [21, { deep: [22] }]], long, { x: long }],
    map: { first: long, second: { third: long, fourth: [long, [1, 2, 3]] }, "9": 1, "10": long },
    blocks: Array.from({ length: 300 }, (_, i) => (i % 7 === 0 ? `item ${i}` : i % 5 === 0 ? [i, [i]] : i)),
    floats: Array.from({ length: 150 }, (_, i) => i / 4),
    blocksInside: [
      Array.from({ length: 300 }, (_, i) => i),
      { more: Array.from({ length: 350 }, (_, i) => -i) },
    ],
  };
}

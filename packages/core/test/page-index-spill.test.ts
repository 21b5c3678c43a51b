import { describe, expect, it } from "vitest";
import {
  type ArchiveSink,
  encodeArchive,
  listOf,
  mapOf,
  memorySink,
  type TableSpill,
  writeArchive,
} from "../src/index.js";

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const text = (i: number): string => `text ${i} `.padEnd(60, "x");

/** A sink with a spill that counts what passes through it. */
function spillingSink(): {
  readonly sink: ArchiveSink;
  bytes(): Uint8Array;
  readonly cost: { written: number; open: number };
} {
  const memory = memorySink();
  const cost = { written: 0, open: 0 };
  const sink: ArchiveSink = {
    ...memory,
    async spill(): Promise<TableSpill> {
      let content = new Uint8Array(0);
      let end = 0;
      cost.open++;
      return {
        async write(bytes, at) {
          expect(at).toBeLessThanOrEqual(end);
          if (at + bytes.length > content.length) {
            const wide = new Uint8Array((at + bytes.length) * 2);
            wide.set(content);
            content = wide;
          }
          content.set(bytes, at);
          end = at + bytes.length;
          cost.written += bytes.length;
        },
        async read(start, stop) {
          expect(stop).toBeLessThanOrEqual(end);
          return content.slice(start, stop);
        },
        async close() {
          cost.open--;
        },
      };
    },
  };
  return { sink, bytes: () => memory.bytes(), cost };
}

/** Every way in which a streamed container can end, with tables that are larger than what is kept in memory. */
const CASES: Record<string, readonly [streamed: unknown, plain: unknown]> = {
  "a map of entries": [
    mapOf(numbers(100_000).map((i) => [`key ${i}`, text(i)])),
    new Map(numbers(100_000).map((i) => [`key ${i}`, text(i)])),
  ],
  "lists in a list": [
    listOf(numbers(500).map((i) => listOf(numbers(150 + i).map(text)))),
    numbers(500).map((i) => numbers(150 + i).map(text)),
  ],
  "the first child of the first child": [
    listOf([
      mapOf([
        ["first", listOf([listOf(numbers(120_000).map(text)), 1])],
        ["second", 2],
      ]),
      3,
    ]),
    [
      new Map<string, unknown>([
        ["first", [numbers(120_000).map(text), 1]],
        ["second", 2],
      ]),
      3,
    ],
  ],
  "trivial items before one that is not": [
    listOf([...numbers(300_000), text(0), ...numbers(300)]),
    [...numbers(300_000), text(0), ...numbers(300)],
  ],
  "trivial items before a stream": [
    mapOf([["list", listOf([...numbers(100_000), listOf(numbers(30).map(text)), 5])]]),
    { list: [...numbers(100_000), numbers(30).map(text), 5] },
  ],
  "more trivial items than sizes are kept of": [
    listOf([...numbers(1_100_000), text(0)]),
    [...numbers(1_100_000), text(0)],
  ],
  blocks: [listOf(numbers(900_000)), numbers(900_000)],
  "a map of trivial entries, which is one leaf": [
    listOf([mapOf(numbers(150_000).map((i) => [i, i])), text(1)]),
    [new Map(numbers(150_000).map((i) => [i, i])), text(1)],
  ],
  "small streams between large ones": [
    mapOf(
      numbers(2_000).flatMap((i): [string, unknown][] => [
        [`small ${i}`, listOf([1, mapOf([["a", 1]]), listOf([])])],
        [`large ${i}`, listOf(numbers(60).map(text))],
      ]),
    ),
    new Map(
      numbers(2_000).flatMap((i): [string, unknown][] => [
        [`small ${i}`, [1, { a: 1 }, []]],
        [`large ${i}`, numbers(60).map(text)],
      ]),
    ),
  ],
};

describe.each(["msgpack", "cbor"] as const)(
  "%s: the bytes are those of an archive made in memory",
  (codec) => {
    it.each(Object.entries(CASES))("%s", async (name, [streamed, plain]) => {
      const options = { codec, smallObjectThreshold: 64, trivialSize: 20 };
      const { sink, bytes, cost } = spillingSink();
      const { size } = await writeArchive(sink, streamed, options);
      const wanted = encodeArchive(plain, options);
      expect(size).toBe(wanted.length);
      expect(Buffer.compare(bytes(), wanted)).toBe(0);
      expect(cost.open).toBe(0);
      // Blocks take too little for it.
      expect(cost.written > 0).toBe(name !== "blocks");
      // Without a spill of the sink's own.
      const memory = memorySink();
      await writeArchive(memory, streamed, options);
      expect(Buffer.compare(memory.bytes(), wanted)).toBe(0);
    });
  },
);

it("a spill is closed when writing fails", async () => {
  const { sink, cost } = spillingSink();
  const values = [...numbers(100_000).map(text), () => 1];
  await expect(
    writeArchive(sink, listOf(values, { count: values.length }), { smallObjectThreshold: 64 }),
  ).rejects.toMatchObject({ code: "unsupported-value" });
  expect(cost.written).toBeGreaterThan(0);
  expect(cost.open).toBe(0);
});

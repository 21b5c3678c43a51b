import { roundTrips } from "@peekpack/testing";
import { describe, expect, it } from "vitest";
import {
  type Archive,
  buildPageIndex,
  encodeArchive,
  openArchive,
  type Path,
  type RequestEvent,
  slice,
} from "../src/index.js";
import { slowSource } from "../src/testing.js";
import { observedSource } from "./observed-source.js";

/*
 * The bounds of a value's cost, on archives that a test can make. `npm run bench -- value-cost` counts the same on archives
 * of up to ten million nodes.
 */
const KiB = 1024;

interface Cost {
  readonly bytes: number;
  readonly trips: number;
}

/** What reading costs over a network, counted without one: the latency keeps requests that wait for one another apart. */
async function cost(
  bytes: Uint8Array,
  work: (archive: Archive) => Promise<unknown>,
  index?: Uint8Array,
): Promise<Cost> {
  const events: RequestEvent[] = [];
  const source = slowSource(observedSource(bytes), { latencyMs: 5, bytesPerMs: 1e6 });
  const archive = await openArchive(source, { index, onRequest: (event) => events.push(event) });
  await work(archive);
  await archive.close();
  return { bytes: archive.stats.bytes, trips: roundTrips(events) };
}

/** The largest cost of several values, each read by a new reader. */
async function worst(bytes: Uint8Array, paths: readonly Path[], index?: Uint8Array): Promise<Cost> {
  const costs: Cost[] = [];
  for (const path of paths) costs.push(await cost(bytes, (archive) => archive.read(path), index));
  return {
    bytes: Math.max(...costs.map((one) => one.bytes)),
    trips: Math.max(...costs.map((one) => one.trips)),
  };
}

const text = (i: number): string => `value number ${i}`;
const some = (count: number, tries = 8): number[] =>
  Array.from({ length: tries }, (_, i) => Math.floor(((i + 0.37) / tries) * count));

const map = (count: number): Map<string, string> =>
  new Map(Array.from({ length: count }, (_, i) => [`key ${i}`, text(i)]));

/** Documents whose nodes are all small values, and the path of one of them. */
const SHAPES: Readonly<
  Record<
    string,
    { readonly make: (count: number) => unknown; readonly path: (at: number, of: number) => Path }
  >
> = {
  "a map": { make: map, path: (at) => [`key ${at}`] },
  "a list": {
    make: (count) => Array.from({ length: count }, (_, i) => text(i)),
    path: (at) => [at],
  },
  "maps in a map": {
    make: (count) =>
      new Map(Array.from({ length: Math.sqrt(count) }, (_, i) => [`group ${i}`, map(Math.sqrt(count))])),
    path: (at, count) => [
      `group ${at % Math.floor(Math.sqrt(count))}`,
      `key ${Math.floor(at / Math.sqrt(count))}`,
    ],
  },
};

const encoded = (value: unknown, codec: "msgpack" | "cbor" = "msgpack"): Uint8Array =>
  encodeArchive(value, { codec, pageIndex: true, smallObjectThreshold: 16, trivialSize: 8 });

describe.each(Object.entries(SHAPES))("a value of %s", (_, { make, path }) => {
  it("costs at most 4 round trips and 128 KiB at every size, and one trip less with the root kept", async () => {
    const costs = new Map<number, Cost>();
    for (const count of [1000, 10_000, 100_000]) {
      const bytes = encoded(make(count), count === 10_000 ? "cbor" : "msgpack");
      const paths = some(count).map((at) => path(at, count));
      const cold = await worst(bytes, paths);
      expect(cold.trips, `${count}`).toBeLessThanOrEqual(4);
      expect(cold.bytes, `${count}`).toBeLessThanOrEqual(128 * KiB);
      costs.set(count, cold);
      const index = (await openArchive(observedSource(bytes))).index();
      const kept = await worst(bytes, paths, index);
      expect(kept.trips, `${count}`).toBeLessThanOrEqual(3);
      expect(kept.bytes, `${count}`).toBeLessThanOrEqual(128 * KiB);
    }
    expect(costs.get(100_000)!.bytes).toBeLessThanOrEqual(costs.get(10_000)!.bytes * 1.3);
  }, 120_000);
});

it("a value of a million entries costs as little, and fifty of them at most 5 round trips", async () => {
  const count = 1_000_000;
  const bytes = encoded(map(count));
  const one = await worst(
    bytes,
    some(count, 4).map((at) => [`key ${at}`]),
  );
  expect(one.trips).toBeLessThanOrEqual(4);
  expect(one.bytes).toBeLessThanOrEqual(128 * KiB);
  const fifty = await cost(bytes, async (archive) => {
    const at = some(count, 50);
    expect(await archive.readMany(at.map((i) => [`key ${i}`]))).toEqual(at.map(text));
  });
  expect(fifty.trips).toBeLessThanOrEqual(5);
}, 300_000);

const list = (count: number): string[] => Array.from({ length: count }, (_, i) => text(i));
const maps = <T>(count: number, make: (i: number) => T): Map<string, T> =>
  new Map(Array.from({ length: count }, (_, i) => [`group ${i}`, make(i)]));

describe.each<[string, () => unknown, (at: number) => Path]>([
  ["maps in a map", () => maps(200, () => map(1300)), (i) => [`group ${i}`, `key ${(i * 331) % 1300}`]],
  ["lists in a list", () => Array.from({ length: 200 }, () => list(2500)), (i) => [i, (i * 331) % 2500]],
  ["lists in a map", () => maps(200, () => list(1300)), (i) => `group ${i}/${(i * 331) % 1300}`],
  [
    "maps in lists in a map",
    () => maps(20, () => Array.from({ length: 10 }, () => map(500))),
    (i) => [`group ${i % 20}`, i % 10, `key ${(i * 331) % 500}`],
  ],
])("a value of %s, of which the root block does not hold all", (_, make, path) => {
  it("costs at most 4 round trips and 128 KiB, and one trip less with the root kept", async () => {
    const bytes = encoded(make());
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const rootSize = view.getUint32(bytes.length - 64 + 48, true);
    expect(view.getUint32(bytes.length - 64 - rootSize, true), "record blocks").toBeGreaterThan(0);
    const paths = some(200).map(path);
    const cold = await worst(bytes, paths);
    expect(cold.trips).toBeLessThanOrEqual(4);
    expect(cold.bytes).toBeLessThanOrEqual(128 * KiB);
    const kept = await worst(bytes, paths, (await openArchive(observedSource(bytes))).index());
    expect(kept.trips).toBeLessThanOrEqual(3);
    expect(kept.bytes).toBeLessThanOrEqual(128 * KiB);
  });
});

it("100 of a million floats cost at most 3 round trips and 96 KiB", async () => {
  const floats = Float64Array.from({ length: 1_000_000 }, (_, i) => i / 7);
  const bytes = encodeArchive({ floats }, { pageIndex: true });
  for (const start of [0, 123_456, 500_000, 999_900]) {
    const found = await cost(bytes, async (archive) => {
      expect(await archive.read(["floats", slice(start, start + 100)])).toEqual(
        Array.from(floats.subarray(start, start + 100)),
      );
    });
    expect(found.trips).toBeLessThanOrEqual(3);
    expect(found.bytes).toBeLessThanOrEqual(96 * KiB);
  }
});

it.each([
  ["a map", () => map(40_000), 0.45],
  ["maps in a map", () => maps(60, () => map(600)), 0.45],
  ["a list", () => list(60_000), 0.02],
] as const)("the index of %s takes no more than its share of the table", async (_, make, share) => {
  const { info } = await buildPageIndex(encoded(make()));
  expect(info.indexBytes / info.tableBytes).toBeLessThanOrEqual(share);
});

describe("first contact", () => {
  /** More data than first contact reads, and a table of about so many bytes. */
  const archiveOf = (tocBytes: number, pageIndex: boolean | "auto"): Uint8Array =>
    encodeArchive(
      new Map<string, unknown>([
        ["data", new Uint8Array(2 ** 20)],
        ["values", map(Math.ceil(tocBytes / 24))],
      ]),
      { pageIndex, smallObjectThreshold: 16, trivialSize: 8 },
    );
  const opened = (bytes: Uint8Array): Promise<Cost> => cost(bytes, async () => {});

  it("takes one round trip for a table of up to half a MiB without a page index, and two for a longer one", async () => {
    const trips: [number, number][] = [];
    for (const KB of [1, 4, 16, 32, 64, 128, 256, 480, 600, 1000]) {
      const bytes = archiveOf(KB * KiB, "auto");
      const { tocBytes, pageIndex } = (await openArchive(observedSource(bytes))).info;
      expect(pageIndex.bytes, `${KB}`).toBe(0);
      trips.push([tocBytes, (await opened(bytes)).trips]);
    }
    expect(trips.map(([, count]) => count)).toEqual(trips.map(([size]) => (size <= 512 * KiB ? 1 : 2)));
    expect(trips.at(-1)![0]).toBeGreaterThan(600 * KiB);
  });

  it("reads 48 KiB in one round trip where the tail has a page index", async () => {
    for (const KB of [100, 300, 1000, 4000]) {
      expect(await opened(archiveOf(KB * KiB, true)), `${KB}`).toEqual({ bytes: 48 * KiB, trips: 1 });
    }
  });
});

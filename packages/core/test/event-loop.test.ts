import { expect, it } from "vitest";
import {
  bytesSource,
  type Codec,
  encodeArchive,
  type LazyMap,
  openArchive,
  type RangeSource,
} from "../src/index.js";
import { loadOutline, outlineEntries } from "../src/inspect/index.js";

/** A signal that a timer aborts: only if timers fire can work hear it. */
function abortedByTimer(): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort("enough"));
  return controller.signal;
}

it("the keys of a large map are read while timers fire, and an abort of one lookup does not end the others", async () => {
  const map = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`key ${i}`, i]));
  const bytes = encodeArchive({ map }, { smallObjectThreshold: 1, trivialSize: 0 });
  const archive = await openArchive(bytes);
  const other = archive.read("map/key 199999");
  await expect(archive.has("map/key 7", { signal: abortedByTimer() })).rejects.toBe("enough");
  expect(await other).toBe(199_999);
  expect(await archive.has("map/key 200000")).toBe(false);
  for (const work of ["size", "keys"] as const) {
    const fresh = await openArchive(bytes);
    const signal = abortedByTimer();
    const result = work === "size" ? fresh.size("map", { signal }) : fresh.keys("map", { signal }).toArray();
    await expect(result, work).rejects.toBe("enough");
  }
});

it("a large map is described while timers fire", async () => {
  const map = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`key ${i}`, i]));
  const bytes = encodeArchive({ map }, { pageIndex: false, smallObjectThreshold: 1, trivialSize: 0 });
  const entries = outlineEntries(await openArchive(bytes), undefined, { signal: abortedByTimer() });
  await expect(entries.next()).rejects.toBe("enough");
  const archive = await openArchive(bytes);
  const handle = (await archive.get("map")) as LazyMap;
  await expect(loadOutline(handle, { signal: abortedByTimer() })).rejects.toBe("enough");
  expect(await loadOutline(handle)).toMatchObject({ kind: "map", count: 200_000 });
});

it("the items of a long list are decoded while timers fire, and give the same list", async () => {
  const list = Array.from({ length: 400_000 }, (_, i) => (i % 3 === 0 ? {} : i));
  const archive = await openArchive(encodeArchive(list));
  await expect(archive.read([], { signal: abortedByTimer() })).rejects.toBe("enough");
  expect(await archive.read([])).toEqual(list);
});

it("the reads of many paths begin while timers fire", async () => {
  const list = Array.from({ length: 100_000 }, (_, i) => `text ${i} of a list`);
  const bytes = encodeArchive({ list }, { smallObjectThreshold: 1, trivialSize: 0 });
  const memory = bytesSource(bytes);
  let reads = 0;
  const source: RangeSource = {
    ...memory,
    read(ranges, options) {
      reads++;
      return memory.read(ranges, options);
    },
  };
  const archive = await openArchive(source);
  reads = 0;
  const paths = list.map((_, i) => `list/${i}`);
  await expect(archive.readMany(paths, { signal: abortedByTimer() })).rejects.toBe("enough");
  expect(reads).toBeLessThan(paths.length);
});

it("values in memory are decoded before the reads of many further paths begin", async () => {
  const list = Array.from({ length: 10_000 }, (_, i) => `text ${i} of a list`);
  const bytes = encodeArchive({ list }, { smallObjectThreshold: 1, trivialSize: 0 });
  const memory = bytesSource(bytes);
  let pending = 0;
  let most = 0;
  const source: RangeSource = {
    ...memory,
    read(ranges, options) {
      most = Math.max(most, ++pending);
      return memory.read(ranges, options);
    },
  };
  const codec: Codec = {
    protocol: "msgpack",
    decode(encoded) {
      pending--;
      return [encoded.length];
    },
  };
  const archive = await openArchive(source, { codec });
  pending = 0;
  most = 0;
  const sizes = await archive.readMany(list.map((_, i) => `list/${i}`));
  expect(sizes).toEqual(list.map((text) => text.length + 1));
  expect(pending).toBe(0);
  // All that wait are woken after each slice of time: the more there are, the longer that takes.
  expect(most).toBeLessThanOrEqual(1024);
});

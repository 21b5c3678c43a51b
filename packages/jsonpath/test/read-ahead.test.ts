import { encodeArchive, isPeekpackError, openArchive } from "@peekpack/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query, queryPaths } from "../src/index.js";
import { gated } from "./gated-source.js";

/* How many round trips whole queries take, and what is read in advance. No test depends on how long anything takes. */

const COUNT = 40_000;
/** The only entries that `rare` selects: one of a thousand. */
const RARE = 999;
const value = {
  entries: Array.from({ length: COUNT }, (_, i) => ({
    gap: i % 1000 === RARE ? 9 : (i % 400) / 100,
    energy: -i,
    field: new Uint8Array(200).fill(i),
  })),
};
const dense = "$.entries[?@.gap > 1.5].energy";
const rare = "$.entries[?@.gap > 5].energy";
const layouts = {
  "a node for each member": encodeArchive(value, {
    smallObjectThreshold: 1,
    trivialSize: 0,
    pageIndex: true,
  }),
  "a node for each entry": encodeArchive(value, {
    smallObjectThreshold: 1024,
    trivialSize: 0,
    pageIndex: true,
  }),
};

/** Rejections that nobody handled. */
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
beforeAll(async () => {
  process.on("unhandledRejection", onUnhandled);
  // What is loaded by feature is loaded: loading it is no round trip.
  for (const bytes of Object.values(layouts)) {
    await query(await openArchive(gated(bytes).source), rare, { limit: 1 }).toArray();
  }
});
afterAll(() => {
  process.off("unhandledRejection", onUnhandled);
  expect(unhandled).toEqual([]);
});

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

it("leaves no lookup behind when a bound ends the query between lookups", async () => {
  const map = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`key ${i}`, i]));
  const bytes = encodeArchive({ map }, { smallObjectThreshold: 1, trivialSize: 0, pageIndex: true });
  const archive = await openArchive(gated(bytes).source);
  const names = Array.from({ length: 20 }, (_, i) => `'key ${i * 900}'`);
  const results = query(archive, `$.map[${names}]`, { maxNodes: 10 }).toArray();
  await expect(results).rejects.toMatchObject({ code: "limit" });
  await settled();
  expect(unhandled).toEqual([]);
});

describe.each(Object.entries(layouts))("a filter over many entries, with %s", (name, bytes) => {
  it.each([
    ["dense", dense, 24_900],
    ["rare", rare, 40],
  ])("takes few round trips in all, whether matches are %s", async (matches, path, count) => {
    const { source, seen } = gated(bytes);
    const archive = await openArchive(source);
    let first = 0;
    let results = 0;
    for await (const { value: energy } of query(archive, path)) {
      if (results++ === 0) first = seen.rounds;
      expect(energy).toBeLessThanOrEqual(0);
    }
    console.log(
      `${matches}: ${first} rounds to the first result, ${seen.rounds} in all, ${seen.requests} requests`,
    );
    expect(results).toBe(count);
    expect(first).toBeLessThanOrEqual(6);
    expect(seen.rounds).toBeLessThanOrEqual(9);
    // Each byte once.
    expect(seen.bytes).toBeLessThan(bytes.length);
  });

  it("reads a small part for the first result, and nothing after it", async () => {
    const { source, seen } = gated(bytes);
    const archive = await openArchive(source);
    expect(await query(archive, dense, { limit: 1 }).toArray()).toHaveLength(1);
    const { requests, bytes: read } = seen;
    expect(read).toBeLessThan(bytes.length / 5);
    await settled();
    expect(seen.requests).toBe(requests);
  });

  it("aborts what is read in advance when the loop is left", async () => {
    const { source, seen } = gated(bytes);
    const archive = await openArchive(source);
    const walk = query(archive, dense)[Symbol.asyncIterator]();
    for (let i = 0; i < 500; i++) await walk.next();
    await walk.return?.();
    const { requests, rounds } = seen;
    expect(seen.aborted).toBeGreaterThan(0);
    await settled();
    expect([seen.requests, seen.rounds - rounds]).toEqual([requests, expect.any(Number)]);
    expect(await walk.next()).toEqual({ done: true, value: undefined });
  });

  it("rejects with the signal's reason in the middle, and sends no more requests", async () => {
    const { source, seen } = gated(bytes);
    const archive = await openArchive(source);
    const controller = new AbortController();
    const walk = query(archive, dense, { signal: controller.signal })[Symbol.asyncIterator]();
    for (let i = 0; i < 500; i++) await walk.next();
    const reason = new Error("enough");
    controller.abort(reason);
    const rest = async (): Promise<void> => {
      while (!(await walk.next()).done);
    };
    await expect(rest()).rejects.toBe(reason);
    const { requests } = seen;
    await settled();
    expect(seen.requests).toBe(requests);
  });

  it("holds the bounds in total, to the last node and the last byte", async () => {
    const archive = await openArchive(bytes);
    const rejected = (options: { maxNodes?: number; maxBytes?: number }): Promise<unknown> =>
      queryPaths(archive, rare, options)
        .toArray()
        .then(
          (paths) => paths.length,
          (error: unknown) => isPeekpackError(error) && error.code,
        );
    // The entries themselves, each entry, its gap, and what is selected of those that pass.
    const nodes = 1 + COUNT + COUNT + 40;
    expect(await rejected({ maxNodes: nodes })).toBe(40);
    expect(await rejected({ maxNodes: nodes - 1 })).toBe("limit");
    // Gaps that have nodes, of 1 or 9 bytes. Otherwise the entries: all that follows the heads of the map and the list.
    const read =
      name === "a node for each member"
        ? value.entries.reduce((sum, { gap }) => sum + (Number.isInteger(gap) ? 1 : 9), 0)
        : archive.info.dataBytes - 12;
    expect(await rejected({ maxBytes: read })).toBe(40);
    expect(await rejected({ maxBytes: read - 1 })).toBe("limit");
  });
});

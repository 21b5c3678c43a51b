import { bytesSource, encodeArchive, openArchive, type RangeSource } from "@peekpack/core";
import { describe, expect, test } from "vitest";
import { Allowance } from "../src/archive/allowance.js";
import { Entry } from "../src/archive/entry.js";
import { complete } from "../src/search/completion.js";
import { type KeyMatch, keyMatches, type Searched } from "../src/search/key-matches.js";

const signal = new AbortController().signal;

describe("an allowance", () => {
  /** A remote source of one archive, and how many bytes were read of it. */
  function remote(bytes: Uint8Array): { source: RangeSource; read: () => number } {
    const memory = bytesSource(bytes);
    let total = 0;
    return {
      source: {
        label: "remote",
        probe: (want) => {
          total += want.head + want.tail;
          return memory.probe(want);
        },
        read: (ranges) => {
          total += ranges.reduce((sum, { start, end }) => sum + end - start, 0);
          return memory.read(ranges);
        },
      },
      read: () => total,
    };
  }

  test("stops a walk before the request that exceeds it, and goes on when it is asked to", async () => {
    const entries = Array.from({ length: 40 }, (_, i) => ({ text: `${i} `.repeat(20_000) }));
    const bytes = encodeArchive({ entries });
    const index = (await openArchive(bytes)).index();
    const { source, read } = remote(bytes);
    const waits: (number | undefined)[] = [];
    const allowance = new Allowance({ bytes: 300_000, requests: 100 }, (next) => waits.push(next));
    const archive = await openArchive(allowance.wrap(source), { index, readAhead: 0 });
    const found: unknown[] = [];
    const walk = (async () => {
      for await (const { value } of archive.select("entries/*/text")) found.push(value);
    })();
    let paused = 0;
    let done = false;
    void walk.then(() => {
      done = true;
    });
    while (!done) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (allowance.next === undefined) continue;
      paused++;
      expect(read()).toBeLessThanOrEqual(allowance.spent.bytes);
      if (paused === 1) expect(read()).toBeLessThanOrEqual(300_000);
      allowance.proceed();
    }
    await walk;
    expect(found.length).toBe(40);
    expect(paused).toBeGreaterThan(0);
    expect(waits.at(-1)).toBeUndefined();
  });

  test("rejects a waiting request with the reason of its abort, and lets later ones through", async () => {
    const { source } = remote(new Uint8Array(1000));
    const allowance = new Allowance({ bytes: 10, requests: 5 }, () => {});
    const bounded = allowance.wrap(source);
    const stop = new AbortController();
    const waiting = bounded.read([{ start: 0, end: 500 }], { signal: stop.signal });
    expect(allowance.next).toBe(500);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    expect(allowance.next).toBeUndefined();
    expect((await bounded.read([{ start: 0, end: 10 }]))[0]!.length).toBe(10);
  });
});

describe("a search for keys", () => {
  const data = {
    entries: Object.fromEntries(
      Array.from({ length: 2000 }, (_, i) => [`run-${i}`, { gap: i, inner: { GapWidth: "wide gap" } }]),
    ),
    deep: { a: { b: { "the gap": [1, 2, 3] } } },
    list: Array.from({ length: 3000 }, (_, i) => (i === 2500 ? "a gap" : "x")),
  };

  async function search(
    text: string,
    inValues: boolean,
    smallObjectThreshold: number,
  ): Promise<{ found: KeyMatch[]; searched: Searched }> {
    const archive = await openArchive(encodeArchive(data, { smallObjectThreshold }));
    const searched = { keys: 0, values: 0, unread: 0 };
    const found: KeyMatch[] = [];
    for await (const match of keyMatches(archive, text, { signal, inValues, searched })) found.push(match);
    return { found, searched };
  }

  test("finds every key of the table at any depth, and says what it has not searched", async () => {
    const { found, searched } = await search("gap", false, 1);
    expect(found.length).toBe(4001);
    expect(found.at(-1)!.path).toEqual(["deep", "a", "b", "the gap"]);
    expect(searched.keys).toBe(3 + 2000 + 2000 * 3 + 3);
    expect(searched.unread).toBeGreaterThan(3000);
    const small = await search("gap", false, 8192);
    expect(small.found).toEqual([]);
    expect(small.searched.unread, "the runs are values for the table").toBeGreaterThan(2000);
  });

  test.each([1, 8192])(
    "finds keys and texts in values on request, each once (threshold %d)",
    async (threshold) => {
      const { found, searched } = await search("gap", true, threshold);
      const paths = found.map(({ path }) => path.join("/"));
      expect(new Set(paths)).toEqual(
        new Set([
          ...Object.keys(data.entries).flatMap((run) => [
            `entries/${run}/gap`,
            `entries/${run}/inner/GapWidth`,
          ]),
          "deep/a/b/the gap",
          "list/2500",
        ]),
      );
      expect(searched.unread).toBe(0);
    },
  );

  test("ends when it is aborted", async () => {
    const archive = await openArchive(encodeArchive(data));
    const stop = new AbortController();
    const searched = { keys: 0, values: 0, unread: 0 };
    const options = { signal: stop.signal, inValues: false, searched };
    await expect(async () => {
      for await (const _ of keyMatches(archive, "run", options)) stop.abort(new Error("enough"));
    }).rejects.toThrow("enough");
  });
});

test("a completion says at how many keys it looked", async () => {
  const archive = await openArchive(
    encodeArchive(
      Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, `the value of ${i} is a text`])),
    ),
  );
  const none = await complete(Entry.root(archive, "x"), [], "nobody", signal);
  expect(none).toEqual({ suggestions: [], unread: undefined, searched: 5000, of: 5000 });
});

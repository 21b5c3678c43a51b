import {
  combineArchives,
  encodeArchive,
  isPeekpackError,
  type LazyList,
  memorySink,
  openArchive,
  SchemaError,
  type StandardSchema,
  type Value,
} from "@peekpack/core";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, expectTypeOf, it } from "vitest";
import * as z from "zod";
import { query, queryPaths } from "../src/index.js";
import { bytesSource, gated } from "./gated-source.js";

/** A source that is read as a remote one, with a wait before each response. It counts. */
function remote(bytes: Uint8Array, ms = 0) {
  const seen = { requests: 0, bytes: 0, aborted: 0 };
  const wait = async (signal: AbortSignal | undefined): Promise<void> => {
    seen.requests++;
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    if (signal?.aborted) seen.aborted++;
    signal?.throwIfAborted();
  };
  return { source: bytesSource(bytes, seen, wait), seen };
}

const codeOf = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work;
  } catch (error) {
    return isPeekpackError(error) ? error.code : error;
  }
  return "nothing was thrown";
};

const entries = (count: number, padding = 10_000): Value => ({
  entries: Array.from({ length: count }, (_, i) => ({
    gap: (i % 1000) / 100,
    energy: -i,
    field: new Uint8Array(padding).fill(i),
  })),
});

describe("what a query fetches", () => {
  const count = 2000;
  const bytes = encodeArchive(entries(count), { trivialSize: 0, pageIndex: true });

  it("reads the members that a filter compares, and then only what it selects", async () => {
    const { source, seen } = remote(bytes);
    // Gaps that take less time than requests would be fetched as well.
    const archive = await openArchive(source, { gap: 4096 });
    const opened = seen.bytes;
    const found = await query(archive, "$.entries[?@.gap > 9.985].energy").toArray();
    expect(found).toEqual([
      { path: "$['entries'][999]['energy']", value: -999 },
      { path: "$['entries'][1999]['energy']", value: -1999 },
    ]);
    // Twenty megabytes of fields are left where they are.
    expect(seen.bytes - opened).toBeLessThan(archive.info.tocBytes * 2);
  });

  it("reads the members of many candidates in one plan", async () => {
    const { source, seen } = gated(bytes);
    const archive = await openArchive(source, { gap: 4096, concurrency: count });
    expect(await query(archive, "$.entries[?@.gap > 9.985].energy").toArray()).toHaveLength(2);
    // Two thousand gaps, each of them a request.
    expect(seen.requests).toBeGreaterThan(2000);
    expect(seen.rounds).toBeLessThanOrEqual(12);
  });

  it("reads no values to tell what exists, how many there are, and how long they are", async () => {
    const { source, seen } = remote(bytes);
    const archive = await openArchive(source);
    await archive.read(["entries", count - 1, "gap"]);
    const before = seen.bytes;
    expect(
      await queryPaths(archive, "$.entries[?@.gap && @.energy && count(@.*) == 3]").toArray(),
    ).toHaveLength(count);
    expect(await queryPaths(archive, "$[?length(@) == 2000]").toArray()).toEqual(["$['entries']"]);
    // Only pages of the table.
    expect(seen.bytes - before).toBeLessThan(archive.info.tocBytes * 2);
  });

  it("finds names, indices and slices through the table", async () => {
    const { source, seen } = remote(bytes);
    const archive = await openArchive(source);
    const before = seen.bytes;
    const found = await query(archive, "$.entries[7, -1, 100:104:2]['energy', 'gap']").toArray();
    expect(found.map(({ value }) => value)).toEqual([-7, 0.07, -1999, 9.99, -100, 1, -102, 1.02]);
    expect(seen.bytes - before).toBeLessThan(200_000);
  });

  it("reads what an absolute query selects once, however many nodes it is compared with", async () => {
    const archive = await openArchive(encodeArchive(entries(50), { trivialSize: 0 }));
    // Fifty entries of 10 kB, and the one that they are compared with.
    expect(
      await queryPaths(archive, "$.entries[?@ == $.entries[3]]", { maxBytes: 51 * 10_100 }).toArray(),
    ).toEqual(["$['entries'][3]"]);
    const map = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`key ${i}`, i]));
    const large = await openArchive(
      encodeArchive({ map, rows: [1, 2, 3] }, { smallObjectThreshold: 1, trivialSize: 0 }),
    );
    expect(await queryPaths(large, "$.rows[?length($.map) == 2000]", { maxBytes: 0 }).toArray()).toHaveLength(
      3,
    );
  });

  it("evaluates a later term of a conjunction only where the earlier ones are true", async () => {
    const archive = await openArchive(bytes);
    const all = "$.entries[?@.gap > 9.985 && @.field == 1]";
    // 2000 gaps, at most 9 bytes each, and two fields.
    expect(await query(archive, all, { maxBytes: 2000 * 9 + 2 * 10_010 }).toArray()).toEqual([]);
    expect(await codeOf(query(archive, "$.entries[?@.field == 1]", { maxBytes: 40_000 }).toArray())).toBe(
      "limit",
    );
  });
});

describe("a filter over small records", () => {
  const count = 5000;
  const bytes = encodeArchive(entries(count, 300), {
    smallObjectThreshold: 128,
    trivialSize: 0,
    pageIndex: true,
  });
  const path = "$.entries[?@.gap > 4.995].energy";

  it("reads them in few requests, and what it selects with them", async () => {
    const { source, seen } = remote(bytes);
    const archive = await openArchive(source);
    await archive.read(["entries", 0, "gap"]);
    const { bytes: before } = seen;
    expect(await query(archive, path).toArray()).toHaveLength(2500);
    // Each byte of the data once, and the table.
    expect(seen.bytes - before).toBeLessThan(bytes.length);
    expect(seen.requests).toBeLessThan(30);
  });

  it("stays within maxBytes", async () => {
    const archive = await openArchive(bytes);
    const options = { maxBytes: count * 9 + 2500 * 3 };
    expect(await query(archive, path, options).toArray()).toHaveLength(2500);
  });

  it("finds what it finds although another member is damaged", async () => {
    const intact = await openArchive(bytes);
    const expected = await query(intact, path).toArray();
    const damaged = bytes.slice();
    // A map of 16 bits with more entries than there are, in place of the byte string of the last entry.
    const at = damaged.lastIndexOf(0xc5, 50 + intact.info.dataBytes - 1);
    expect([...damaged.subarray(at, at + 3)]).toEqual([0xc5, 300 >> 8, 300 & 255]);
    damaged[at] = 0xde;
    const archive = await openArchive(damaged);
    expect(await codeOf(archive.read(["entries", count - 1, "field"]))).toBe("corrupt");
    expect(await query(archive, path).toArray()).toEqual(expected);
  });
});

describe("streaming", () => {
  const bytes = encodeArchive(entries(3000, 9000), { trivialSize: 0 });

  it("gives first results before the walk ends", async () => {
    const { source, seen } = remote(bytes);
    const archive = await openArchive(source);
    const walk = query(archive, "$.entries[*].field")[Symbol.asyncIterator]();
    const first = await walk.next();
    expect(first.value.path).toBe("$['entries'][0]['field']");
    expect(seen.bytes).toBeLessThan(bytes.length / 2);
    await walk.return?.();
  });

  it("stops reading when the loop is left", async () => {
    const { source, seen } = remote(bytes);
    const archive = await openArchive(source);
    for await (const _ of query(archive, "$..field")) break;
    const after = seen.requests;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen.requests).toBe(after);
    expect(seen.bytes).toBeLessThan(bytes.length / 2);
  });

  it("gives as many results as the limit says, and reads little more", async () => {
    const { source, seen } = remote(bytes);
    const archive = await openArchive(source);
    expect(await query(archive, "$.entries[*].field", { limit: 3 }).toArray()).toHaveLength(3);
    expect(await query(archive, "$.entries[*].energy", { limit: 0 }).toArray()).toEqual([]);
    expect(seen.bytes).toBeLessThan(500_000);
  });

  it("starts anew for each loop", async () => {
    const archive = await openArchive(bytes);
    const found = query(archive, "$.entries[:2].energy");
    expect(await found.toArray()).toEqual(await found.toArray());
  });

  it("rejects with the signal's own reason", async () => {
    const { source } = remote(bytes, 2);
    const archive = await openArchive(source);
    const controller = new AbortController();
    const reason = new Error("enough");
    const walk = query(archive, "$..*", { signal: controller.signal })[Symbol.asyncIterator]();
    await walk.next();
    controller.abort(reason);
    await expect(
      (async () => {
        while (!(await walk.next()).done);
      })(),
    ).rejects.toBe(reason);
    await expect(query(archive, "$", { signal: AbortSignal.abort(reason) }).toArray()).rejects.toBe(reason);
  });

  it("can be aborted while it walks in memory", async () => {
    const deep = encodeArchive({ rows: Array.from({ length: 300 }, (_, i) => ({ i })) });
    const archive = await openArchive(deep);
    const reason = new Error("enough");
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 30);
    const heavy = queryPaths(archive, "$..[?count($..[?count(@..*) > 1]) > count(@..*)]..[?@..[?@..i]]", {
      signal: controller.signal,
    });
    const endless = query(archive, "$.rows[?count($..*[?@.i >= 0]) == -1 || $.rows[?count($..*) == -1]]", {
      signal: controller.signal,
    });
    await expect(
      Promise.all([
        heavy.toArray(),
        endless.toArray(),
        new Promise((_, reject) => setTimeout(() => reject(reason), 20_000)),
      ]),
    ).rejects.toBe(reason);
  });
});

describe("bounds", () => {
  it("bounds the nodes that are visited in total, filters included", async () => {
    const archive = await openArchive(
      encodeArchive({ rows: Array.from({ length: 100 }, (_, i) => [i, [i]]) }),
    );
    expect(await codeOf(query(archive, "$..*", { maxNodes: 100 }).toArray())).toBe("limit");
    expect(await codeOf(query(archive, "$.rows[?count(@..*) > 100]", { maxNodes: 200 }).toArray())).toBe(
      "limit",
    );
    expect(await query(archive, "$.rows[3][0]", { maxNodes: 3 }).toArray()).toHaveLength(1);
  });

  it("bounds the bytes that are read in total, filters included", async () => {
    const archive = await openArchive(encodeArchive(entries(20), { trivialSize: 0 }));
    expect(await codeOf(query(archive, "$.entries[*].field", { maxBytes: 100_000 }).toArray())).toBe("limit");
    expect(
      await codeOf(query(archive, "$.entries[?@.field == $].gap", { maxBytes: 100_000 }).toArray()),
    ).toBe("limit");
    expect(await codeOf(query(archive, "$..gap", { maxBytes: 100_000 }).toArray())).toBe("limit");
    expect(await query(archive, "$.entries[*].gap", { maxBytes: 20 * 9 }).toArray()).toHaveLength(20);
  });

  it("rejects bounds that are negative or no integers with RangeError", async () => {
    const archive = await openArchive(encodeArchive(1));
    for (const options of [{ limit: -1 }, { maxNodes: 1.5 }, { maxBytes: Number.NaN }]) {
      expect(() => query(archive, "$", options)).toThrow(RangeError);
    }
  });

  it("refuses queries that nest too deep or are too long, and gives no stack overflow", async () => {
    const archive = await openArchive(encodeArchive(1));
    const groups = `$[?${"(".repeat(40_000)}@.a${")".repeat(40_000)}]`;
    const nested = `$${"[?@".repeat(2000)}${"]".repeat(2000)}`;
    for (const text of [
      groups,
      nested,
      `$${".a".repeat(60_000)}`,
      `$[?${"!(".repeat(150)}@${")".repeat(150)}]`,
    ]) {
      expect(() => query(archive, text)).toThrow(expect.objectContaining({ code: "bad-path" }));
    }
    const terms = `$[?${Array.from({ length: 500 }, (_, i) => `@ == ${i}`).join(" || ")}]`;
    expect(await query(archive, terms).toArray()).toEqual([]);
  });

  it("follows a path of thousands of segments, and values that nest deep", async () => {
    let value: Value = 1;
    for (let i = 0; i < 900; i++) value = [value];
    const archive = await openArchive(encodeArchive(value));
    for (const selector of ["[0]", "[*]"]) {
      expect(await queryPaths(archive, `$${selector.repeat(900)}`).toArray()).toHaveLength(1);
    }
    expect(await queryPaths(archive, "$..*").toArray()).toHaveLength(900);
    expect(await query(archive, "$[?@ == $[0]]").toArray()).toHaveLength(1);
  });
});

describe("regular expressions", () => {
  const archiveOf = (value: Value) => openArchive(encodeArchive(value));

  it("do not hang on patterns that make others backtrack for ever", async () => {
    const archive = await archiveOf([`${"a".repeat(50_000)}!`]);
    expect(await queryPaths(archive, "$[?match(@, '(a+)+b')]").toArray()).toEqual([]);
    expect(await queryPaths(archive, "$[?search(@, '(a|a)*(a|aa)*c')]").toArray()).toEqual([]);
  });

  it("match nothing if they are no I-Regexp, and may come from the archive", async () => {
    const archive = await archiveOf({ patterns: ["\\d", "a*?", "[z-a]", "a{2,1}", "(", "a+"], text: "aaa1" });
    expect(await queryPaths(archive, "$.patterns[?search($.text, @)]").toArray()).toEqual([
      "$['patterns'][5]",
    ]);
  });

  it("are refused with `limit` if they are too large", async () => {
    const archive = await archiveOf(["a"]);
    for (const pattern of [
      "(a{1000}){1000}",
      `${"(".repeat(2000)}a${")".repeat(2000)}`,
      "a".repeat(20_000),
    ]) {
      expect(await codeOf(queryPaths(archive, `$[?match(@, '${pattern}')]`).toArray())).toBe("limit");
    }
  });

  it("let a dot match anything but the two ends of a line", async () => {
    const archive = await archiveOf(["a", "\r", "\n", "\u2028", "💧"]);
    expect(await query(archive, "$[?match(@, '.')]").toArray()).toHaveLength(3);
    expect(await query(archive, "$[?match(@, '[.a]')]").toArray()).toHaveLength(1);
  });
});

describe("numbers", () => {
  it("may have any form that JSON has", async () => {
    const archive = await openArchive(encodeArchive([0.5, -0.25, 5e-7, 12, 0]));
    const indices = async (text: string) =>
      (await queryPaths(archive, text).toArray()).map((path) => Number(path.slice(2, -1)));
    expect(await indices("$[?@ == 0.5]")).toEqual([0]);
    expect(await indices("$[?0.1 < @]")).toEqual([0, 3]);
    expect(await indices("$[?@ < -0.1e0]")).toEqual([1]);
    expect(await indices("$[?@ == 0.5E-6]")).toEqual([2]);
    expect(await indices("$[?@ >= 1.2e+1]")).toEqual([3]);
    expect(await indices("$[?@ == -0]")).toEqual([4]);
    for (const number of ["00.5", "01", "1.", ".5", "+1", "0x1", "1e", "0.5.5"]) {
      expect(() => query(archive, `$[?@ == ${number}]`)).toThrow(
        expect.objectContaining({ code: "bad-path" }),
      );
    }
  });
});

describe("values that JSON does not have", () => {
  it("passes over keys that are no text", async () => {
    const value = new Map<Value, Value>([
      [1, "one"],
      ["a", "text"],
      [null, { a: 2 }],
      [
        "b",
        new Map<Value, Value>([
          [1n, 3],
          ["a", 4],
        ]),
      ],
    ]);
    for (const smallObjectThreshold of [1, 8192]) {
      const archive = await openArchive(encodeArchive(value, { smallObjectThreshold, trivialSize: 0 }));
      expect(await queryPaths(archive, "$..*").toArray()).toEqual(["$['a']", "$['b']", "$['b']['a']"]);
      expect(await queryPaths(archive, "$['1']").toArray()).toEqual([]);
      expect(await queryPaths(archive, "$[?length(@) == 1]").toArray()).toEqual(["$['b']"]);
    }
  });

  it("compares bigints with numbers by value, and bytes by content", async () => {
    const archive = await openArchive(
      encodeArchive([2n ** 60n, 5, new Uint8Array([1]), new Uint8Array([1]), undefined], { codec: "cbor" }),
    );
    expect(await queryPaths(archive, "$[?@ > 4]").toArray()).toEqual(["$[0]", "$[1]"]);
    expect(await queryPaths(archive, "$[?@ == 1152921504606846976]").toArray()).toEqual(["$[0]"]);
    expect(await queryPaths(archive, "$[?@ == $[2]]").toArray()).toEqual(["$[2]", "$[3]"]);
  });

  it("compares texts by code points", async () => {
    const archive = await openArchive(encodeArchive(["\uffff", "\u{10000}", "a", "ab", ""]));
    expect(await queryPaths(archive, "$[?@ > '\uffff']").toArray()).toEqual(["$[1]"]);
    expect(await queryPaths(archive, "$[?@ < 'ab']").toArray()).toEqual(["$[2]", "$[4]"]);
  });
});

describe("a hundred thousand entries", () => {
  const count = 100_000;
  const bytes = encodeArchive(entries(count, 200), {
    smallObjectThreshold: 1,
    trivialSize: 0,
    pageIndex: true,
  });

  it("takes at most 6 round trips to the first result of a filter", async () => {
    // What is loaded by feature is loaded: loading it is no round trip.
    await query(await openArchive(bytes), "$.entries[?@.gap > 1.5].energy", { limit: 1 }).toArray();
    const { source, seen } = gated(bytes);
    const archive = await openArchive(source);
    expect(archive.info.pageIndex.state).toBe("used");
    const walk = query(archive, "$.entries[?@.gap > 1.5].energy")[Symbol.asyncIterator]();
    const first = await walk.next();
    expect(first.value).toEqual({ path: "$['entries'][151]['energy']", value: -151 });
    console.log(`${seen.rounds} round trips, ${seen.requests} requests`);
    expect(seen.rounds).toBeLessThanOrEqual(6);
    await walk.return?.();
  });

  it("finds all that the filter selects", async () => {
    const archive = await openArchive(remote(bytes).source);
    const found = await query(archive, "$.entries[?@.gap > 1.5].energy").toArray();
    expect(found).toHaveLength(84_900);
    expect(found.at(-1)).toEqual({ path: "$['entries'][99999]['energy']", value: -99_999 });
  });
});

const zod = z.object({ gap: z.number() });
const schemas: Record<string, StandardSchema<{ gap: number }>> = {
  zod,
  valibot: v.object({ gap: v.number() }),
  arktype: type({ gap: "number" }),
};

describe("a schema", () => {
  const rows = [{ gap: 1 }, { gap: 2 }, { gap: "wide" }];

  it.each(Object.keys(schemas))("of %s rejects results that do not fit with their path", async (name) => {
    const archive = await openArchive(encodeArchive({ rows }));
    const schema = schemas[name]!;
    expect(await query(archive, "$.rows[:2]", { schema }).toArray()).toEqual([
      { path: "$['rows'][0]", value: { gap: 1 } },
      { path: "$['rows'][1]", value: { gap: 2 } },
    ]);
    const error = await query(archive, "$.rows[*]", { schema })
      .toArray()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SchemaError);
    expect((error as SchemaError).path).toEqual(["rows", 2]);
    expect((error as SchemaError).issues).toHaveLength(1);
  });

  it("gives the results its type", async () => {
    const archive = await openArchive(encodeArchive({ rows }));
    const fitting = await query(archive, "$.rows[:2]", { schema: zod }).toArray();
    expectTypeOf(fitting).toEqualTypeOf<{ readonly path: string; readonly value: { gap: number } }[]>();
    expect(fitting.map(({ value }) => value.gap)).toEqual([1, 2]);
  });
});

describe("what is queried", () => {
  it("may be a handle: then `$` is the handle's value", async () => {
    const archive = await openArchive(encodeArchive(entries(20), { trivialSize: 0 }));
    const rows = await archive.get("entries");
    expect(await query(rows as LazyList, "$[2].energy").toArray()).toEqual([
      { path: "$[2]['energy']", value: -2 },
    ]);
  });

  it("may be a combined archive", async () => {
    const sink = memorySink();
    await combineArchives(
      sink,
      Array.from({ length: 50 }, (_, i) => ({ name: `run ${i}`, value: { gap: i, steps: [{ t: i }] } })),
    );
    const archive = await openArchive(remote(sink.bytes()).source);
    expect(await queryPaths(archive, "$[?@.gap > 47]").toArray()).toEqual(["$['run 48']", "$['run 49']"]);
    expect(await query(archive, "$..t").toArray()).toHaveLength(50);
    await archive.close();
    expect(await codeOf(query(archive, "$..t").toArray())).toBe("closed");
  });
});

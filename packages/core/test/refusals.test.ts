import { describe, expect, it } from "vitest";
import { encodeArchive, memorySink, openArchive, Tagged, writeArchive } from "../src/index.js";
import { caught } from "./outcome.js";

class Point {
  x = 1;
}

const CODECS = ["msgpack", "cbor"] as const;

/** Both writers: in memory and streaming. */
const WRITERS: readonly (readonly [string, (value: unknown, options: object) => Promise<unknown>])[] = [
  ["encodeArchive", async (value, options) => encodeArchive(value, options)],
  ["writeArchive", (value, options) => writeArchive(memorySink(), value, options)],
];

describe.each(WRITERS)("%s", (_, write) => {
  it.each<[string, unknown]>([
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a class instance", new Point()],
    ["an error", new Error("x")],
    ["a regular expression", /x/],
    ["a promise", Promise.resolve(1)],
    ["a boxed number", Object(1)],
    ["a DataView", new DataView(new ArrayBuffer(1))],
    ["a WeakMap", new WeakMap()],
    ["an invalid Date", new Date(Number.NaN)],
    ["a hole in an array", Array(1)],
  ])("rejects %s and names its path", async (what, value) => {
    for (const codec of CODECS) {
      if (what.startsWith("a hole") && codec === "cbor") continue;
      const tail = what.startsWith("a hole") ? [0] : [];
      for (const [holder, path] of [
        [value, []],
        [{ a: [1, { "b/c": value }] }, ["a", 1, "b/c"]],
        [[new Map([[7, [value]]])], [0, 7, 0]],
        [new Map([["k", new Map([[null, value]])]]), ["k", null]],
      ] as const) {
        const error = await caught(write(holder, { codec }));
        expect(error).toMatchObject({ name: "PeekpackError", code: "unsupported-value" });
        const where = [...path, ...tail];
        expect((error as { path?: unknown[] }).path ?? []).toEqual(where);
      }
    }
  });

  it("rejects undefined in MessagePack and names its path", async () => {
    expect(await caught(write({ a: [undefined] }, {}))).toMatchObject({
      code: "unsupported-value",
      path: ["a", 0],
    });
    expect(await caught(write({ a: undefined }, { codec: "cbor" }))).toBeUndefined();
  });

  it("rejects a value that contains itself", async () => {
    const list: unknown[] = [1];
    list.push(list);
    const map: { self?: unknown } = {};
    map.self = { deeper: map };
    const keyed = new Map<unknown, unknown>();
    keyed.set(keyed, 1);
    const set = new Set<unknown>();
    set.add(set);
    for (const value of [list, map, keyed, set, { a: [list] }]) {
      for (const codec of CODECS) {
        expect(await caught(write(value, { codec }))).toMatchObject({ name: "PeekpackError", code: "limit" });
        // Also with a higher limit, the error is typed.
        const much = await caught(write(value, { codec, maxDepth: 10_000_000 }));
        expect(much).toMatchObject({ name: "PeekpackError", code: "limit" });
      }
    }
    const tagged = new Tagged(5, null);
    (tagged as { value: unknown }).value = [tagged];
    for (const maxDepth of [1000, 10_000_000]) {
      const error = await caught(write(tagged, { codec: "cbor", maxDepth }));
      expect(error).toMatchObject({ name: "PeekpackError", code: "limit" });
    }
  });

  it("rejects nesting deeper than maxDepth, by default 1000", async () => {
    const nested = (levels: number, map: boolean): unknown => {
      let value: unknown = 1;
      for (let i = 0; i < levels; i++) value = map ? { k: value } : [value];
      return value;
    };
    for (const codec of CODECS) {
      for (const map of [false, true]) {
        expect(await caught(write(nested(1000, map), { codec }))).toBeUndefined();
        const error = await caught(write(nested(1001, map), { codec }));
        expect(error).toMatchObject({ code: "limit" });
        expect((error as { path: unknown[] }).path).toHaveLength(1000);
        expect(await caught(write(nested(10, map), { codec, maxDepth: 10 }))).toBeUndefined();
        expect(await caught(write(nested(11, map), { codec, maxDepth: 10 }))).toMatchObject({
          code: "limit",
        });
        expect(await caught(write(nested(300_000, map), { codec, maxDepth: 1e6 }))).toMatchObject({
          name: "PeekpackError",
          code: "limit",
        });
      }
    }
  });

  it.each([
    [{ codec: "json" }, TypeError],
    [{ codec: 5 }, TypeError],
    [{ codec: null }, TypeError],
    [{ codec: { protocol: "xml" } }, TypeError],
    [{ profile: "go" }, TypeError],
    [{ sets: "random" }, TypeError],
    [{ floats: "none" }, TypeError],
    [{ numpy: true }, TypeError],
    [{ smallObjectThreshold: -1 }, RangeError],
    [{ smallObjectThreshold: 1.5 }, RangeError],
    [{ smallObjectThreshold: "8192" }, TypeError],
    [{ trivialSize: Number.NaN }, RangeError],
    [{ maxDepth: 0 }, RangeError],
  ])("rejects invalid options: %o", async (options, kind) => {
    expect(await caught(write(1, options))).toBeInstanceOf(kind);
  });

  it("does not change the options object", async () => {
    const options = Object.freeze({ codec: "cbor", smallObjectThreshold: 10, trivialSize: 20 } as const);
    const value = Object.freeze({ a: Object.freeze([1, 2]) });
    expect(await caught(write(value, options))).toBeUndefined();
  });
});

it("passes on errors of getters and custom codecs unchanged", async () => {
  const own = new Error("own");
  const value = Object.defineProperty({}, "a", {
    enumerable: true,
    get() {
      throw own;
    },
  });
  for (const [, write] of WRITERS) {
    expect(await caught(write({ x: value }, {}))).toBe(own);
    const codec = {
      protocol: "msgpack" as const,
      encode(): undefined {
        throw own;
      },
    };
    expect(await caught(write({ x: new Point() }, { codec }))).toBe(own);
  }
});

it("rejects deep nesting in a stream with a typed error", async () => {
  let value: unknown = [1].values();
  for (let i = 0; i < 20_000; i++) value = i % 2 === 0 ? [value] : { k: value };
  expect(await caught(writeArchive(memorySink(), value, { maxDepth: 1e6 }))).toMatchObject({
    name: "PeekpackError",
    code: "limit",
  });
});

it("encodeArchive rejects iterables and handles and names writeArchive", async () => {
  const lazy = await openArchive(encodeArchive({ a: 1 }));
  for (const value of [[[1].values()], { a: { b: lazy } }]) {
    const error = await caught(() => encodeArchive(value));
    expect(error).toMatchObject({ code: "unsupported-value" });
    expect((error as Error).message).toContain("writeArchive");
  }
});

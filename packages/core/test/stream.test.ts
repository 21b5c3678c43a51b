import { difference, fingerprint, fromTagged, loadArchives, loadVectors } from "@peekpack/testing/fixtures";
import { describe, expect, it } from "vitest";
import {
  type EncodeOptions,
  encodeArchive,
  Float64,
  float64,
  listOf,
  mapOf,
  memorySink,
  openArchive,
  writeArchive,
} from "../src/index.js";

/** The same value with every container as a stream, alternating between the kinds of streams. */
function streamed(value: unknown, turn = { n: 0 }): unknown {
  const kind = turn.n++ % 3;
  const inner = (item: unknown): unknown => streamed(item, turn);
  if (Array.isArray(value)) {
    async function* later(): AsyncGenerator<unknown> {
      for (const item of value as unknown[]) yield inner(item);
    }
    function* now(): Generator<unknown> {
      for (const item of value as unknown[]) yield inner(item);
    }
    return kind === 0 ? later() : kind === 1 ? now() : listOf(later(), { count: value.length });
  }
  const entries =
    value instanceof Map
      ? [...value]
      : value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype
        ? Object.entries(value)
        : undefined;
  if (entries === undefined) return value;
  async function* later(): AsyncGenerator<[unknown, unknown]> {
    for (const [key, item] of entries!) yield [key, inner(item)];
  }
  const sync = (): Iterable<[unknown, unknown]> => entries.map(([key, item]) => [key, inner(item)]);
  return kind === 0 ? mapOf(later()) : kind === 1 ? mapOf(sync()) : mapOf(later(), { count: entries.length });
}

async function written(value: unknown, options: EncodeOptions): Promise<Uint8Array> {
  const sink = memorySink();
  const result = await writeArchive(sink, value, options);
  expect(result.size).toBe(sink.bytes().length);
  return sink.bytes();
}

describe("a stream is encoded like the value in memory", () => {
  for (const row of loadVectors()) {
    if (row.python === undefined) continue;
    it(`line ${row.line}: ${row.codec}, threshold ${row.threshold}, trivial ${row.trivial}`, async () => {
      const options = { codec: row.codec, smallObjectThreshold: row.threshold, trivialSize: row.trivial };
      expect(fingerprint(await written(streamed(fromTagged(row.value)), options))).toBe(row.python);
      expect(fingerprint(await written(fromTagged(row.value), options))).toBe(row.python);
    });
  }
});

describe("repacking", () => {
  for (const row of loadArchives()) {
    if (!row.rewrite) continue;
    it(`reproduces ${row.file} from its handles`, async () => {
      const options = {
        codec: row.codec,
        profile: row.profile,
        smallObjectThreshold: row.threshold,
        trivialSize: row.trivial,
      };
      const again = await written(await openArchive(row.bytes(), { offset: row.offset }), options);
      expect(Buffer.compare(again, row.bytes())).toBe(0);
    });
    it(`reproduces ${row.file} via the other codec`, async () => {
      const other = row.codec === "cbor" ? "msgpack" : "cbor";
      const options = { profile: row.profile, smallObjectThreshold: row.threshold, trivialSize: row.trivial };
      let between: Uint8Array;
      try {
        between = await written(await openArchive(row.bytes(), { offset: row.offset }), {
          ...options,
          codec: other,
          smallObjectThreshold: 100,
        });
      } catch (error) {
        // Integers that only one of the codecs supports.
        expect(error).toMatchObject({ code: "unsupported-value" });
        expect(row.file).toMatch(/bigints|tags/);
        return;
      }
      const again = await written(await openArchive(between), { ...options, codec: row.codec });
      expect(Buffer.compare(again, row.bytes())).toBe(0);
    });
  }

  for (const row of loadArchives().filter(({ file }) => file.startsWith("repacked-"))) {
    it(`turns combined-map into ${row.file}`, async () => {
      const combined = loadArchives().find(({ file }) => file === `combined-map-${row.codec}.msglc`)!;
      const again = await written(await openArchive(combined.bytes()), {
        codec: row.codec,
        smallObjectThreshold: row.threshold,
        trivialSize: row.trivial,
      });
      expect(Buffer.compare(again, row.bytes())).toBe(0);
    });
  }

  it("accepts a handle among other values", async () => {
    const archive = await openArchive(
      encodeArchive({ a: Array.from({ length: 400 }, (_, i) => float64(i)), b: { c: ["x".repeat(9000)] } }),
    );
    const list = await archive.get("b");
    const whole = await written({ first: list, all: archive, n: 1 }, {});
    const back = await (await openArchive(whole)).read();
    expect(
      difference(back, {
        $map: [
          ["first", { $map: [["c", ["x".repeat(9000)]]] }],
          [
            "all",
            {
              $map: [
                ["a", Array.from({ length: 400 }, (_, i) => i)],
                ["b", { $map: [["c", ["x".repeat(9000)]]] }],
              ],
            },
          ],
          ["n", 1],
        ],
      }),
    ).toBeUndefined();
  });
});

describe("a failing stream leaves nothing", () => {
  const failing = async (value: unknown): Promise<{ error: unknown; aborted: boolean }> => {
    let aborted = false;
    const memory = memorySink();
    const sink = {
      ...memory,
      abort: async (): Promise<void> => {
        aborted = true;
        await memory.abort();
      },
    };
    const error = await writeArchive(sink, value).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(() => memory.bytes()).toThrow();
    return { error, aborted };
  };

  it("passes on the error of an iterable unchanged", async () => {
    const own = new Error("own");
    async function* broken(): AsyncGenerator<number> {
      yield 1;
      throw own;
    }
    expect(await failing({ deep: [broken()] })).toEqual({ error: own, aborted: true });
  });

  it("names the path of a value that cannot be written", async () => {
    async function* items(): AsyncGenerator<unknown> {
      yield 1;
      yield { a: [1, { f: () => 1 }] };
    }
    const { error, aborted } = await failing(mapOf([["list", items()]]));
    expect(error).toMatchObject({ code: "unsupported-value", path: ["list", 1, "a", 1, "f"] });
    expect(aborted).toBe(true);
  });

  it("rejects a stream that does not match its count", async () => {
    for (const count of [1, 3]) {
      const { error } = await failing({ s: listOf([1, 2], { count }) });
      expect(error).toMatchObject({ code: "unsupported-value", path: ["s"] });
    }
  });

  it("rejects with the signal's reason on abort", async () => {
    const controller = new AbortController();
    async function* endless(): AsyncGenerator<string> {
      for (let i = 0; ; i++) {
        if (i === 300) controller.abort("enough");
        yield "x".repeat(10_000);
      }
    }
    const sink = memorySink();
    await expect(
      writeArchive(sink, listOf(endless(), { count: 10_000 }), { signal: controller.signal }),
    ).rejects.toBe("enough");
  });
});

it("float64 marks a number as a float", () => {
  expect(float64(2)).toBeInstanceOf(Float64);
  expect(encodeArchive(float64(2))[50]).toBe(0xcb);
});

import { describe, expect, it } from "vitest";
import { decodeHeader, encodeHeader } from "../src/format/header.js";
import { combineArchives, encodeArchive, type LazyList, memorySink, openArchive } from "../src/index.js";
import { failure } from "./outcome.js";

type Protocol = "msgpack" | "cbor";

/** Encoded items of every kind, to replace a node, a span, a number or a key. */
const ITEMS: { readonly [P in Protocol]: readonly string[] } = {
  msgpack: [
    "c0",
    "c2",
    "c3",
    "00",
    "01",
    "02",
    "7f",
    "ff",
    "d0ff",
    "d001",
    "d30000000000000001",
    "cc02",
    "cd0002",
    "ce00000002",
    "cf0000000000000002",
    "cfffffffffffffffff",
    "cb3ff0000000000000",
    "ca3f800000",
    "a0",
    "a131",
    "a170",
    "d90131",
    "c400",
    "c40101",
    "90",
    "9100",
    "920001",
    "93010001",
    "91920001",
    "9193010001",
    "80",
    "8100a131",
    "81a170920001",
    "81a17490",
    "82a170920001a17490",
    "d40500",
    "d6ff00000000",
    "c70005",
  ],
  cbor: [
    "f6",
    "f4",
    "f5",
    "f7",
    "e5",
    "f820",
    "00",
    "01",
    "02",
    "17",
    "20",
    "3800",
    "1802",
    "190002",
    "1a00000002",
    "1b0000000000000002",
    "1bffffffffffffffff",
    "fb3ff0000000000000",
    "fa3f800000",
    "f93c00",
    "60",
    "6131",
    "6170",
    "7f6131ff",
    "7fff",
    "40",
    "4101",
    "5fff",
    "5f4101ff",
    "80",
    "8100",
    "820001",
    "83010001",
    "81820001",
    "8183010001",
    "9fff",
    "9f0001ff",
    "9f9f010001ffff",
    "a0",
    "a1006131",
    "a16170820001",
    "a1617480",
    "bfff",
    "bf6170820001ff",
    "c001",
    "c2420001",
    "d9010280",
    "c06131",
  ],
};

/** Tables with a gap for an item: a node, a span, a number of a span, a block, a child, a key. */
const SHAPES: { readonly [P in Protocol]: readonly ((item: string) => string)[] } = {
  msgpack: [
    (x) => x,
    (x) => `81a170${x}`,
    (x) => `81a17092${x}01`,
    (x) => `81a1709200${x}`,
    (x) => `81a17092${x}${x}`,
    (x) => `81a17091${x}`,
    (x) => `81a1709193${x}0001`,
    (x) => `81a170919301${x}01`,
    (x) => `81a17091930100${x}`,
    (x) => `81a170929301000193${x}0102`,
    (x) => `81a17092${x}93010001`,
    (x) => `81a174${x}`,
    (x) => `82a170920002a174${x}`,
    (x) => `82a170920002a17491${x}`,
    (x) => `82a170920002a17481a16b${x}`,
    (x) => `82a170920002a17481${x}81a170920001`,
    (x) => `81a17492${x}81a170920001`,
    (x) => `82${x}01a170920001`,
    (x) => `82a170920001a178${x}`,
  ],
  cbor: [
    (x) => x,
    (x) => `a16170${x}`,
    (x) => `a1617082${x}01`,
    (x) => `a161708200${x}`,
    (x) => `a1617082${x}${x}`,
    (x) => `a1617081${x}`,
    (x) => `a161708183${x}0001`,
    (x) => `a16170818301${x}01`,
    (x) => `a1617081830100${x}`,
    (x) => `a16170828301000183${x}0102`,
    (x) => `a1617082${x}83010001`,
    (x) => `a16174${x}`,
    (x) => `a261708200026174${x}`,
    (x) => `a26170820002617481${x}`,
    (x) => `a261708200026174a1616b${x}`,
    (x) => `a261708200026174a1${x}a16170820001`,
    (x) => `a1617482${x}a16170820001`,
    (x) => `a2${x}016170820001`,
    (x) => `a261708200016178${x}`,
  ],
};

describe.each(["msgpack", "cbor"] as const)("an arbitrary item in a table of %s", (codec) => {
  it.each(SHAPES[codec].map((shape, i) => [i, shape] as const))(
    "gives values or typed errors (shape %i)",
    async (_, shape) => {
      const data = Buffer.from(codec === "msgpack" ? "9101" : "8101", "hex");
      const seen = new Set<unknown>();
      for (const item of ITEMS[codec]) {
        const toc = Buffer.from(shape(item), "hex");
        const header = encodeHeader({ protocol: codec, tocStart: data.length, tocSize: toc.length });
        const bytes = new Uint8Array(Buffer.concat([header, data, toc]));
        for (const tocCacheBytes of [0, undefined]) {
          const archive = await openArchive(bytes, { tocCacheBytes }).catch((error: unknown) => error);
          if (archive instanceof Error) {
            seen.add(await failure(Promise.reject(archive)));
            continue;
          }
          const opened = archive as Awaited<ReturnType<typeof openArchive>>;
          for (const work of [
            () => opened.read(),
            () => opened.read("0"),
            () => opened.read([0, 0]),
            () => opened.read("k"),
            () => opened.read([1]),
            () => opened.keys().toArray(),
            () => opened.entries().toArray(),
            () => opened.size(),
            () => opened.has("k"),
            () => opened.select("*/*").toArray(),
            () => opened.raw().getReader().read(),
            () => opened.raw("0").getReader().read(),
          ]) {
            seen.add(await failure(work()));
          }
        }
      }
      for (const outcome of seen) {
        expect([
          "no error",
          "corrupt",
          "truncated",
          "not-found",
          "bad-path",
          "limit",
          "not-an-archive",
        ]).toContain(outcome);
      }
      expect(seen).toContain("corrupt");
    },
  );
});

describe("a damaged child among good ones", () => {
  for (const codec of ["msgpack", "cbor"] as const) {
    it(`fails only reads that need it, in ${codec}`, async () => {
      const sink = memorySink();
      const names = ["a", "b", "c", "d"];
      await combineArchives(
        sink,
        names.map((name) => ({ name, value: { name } })),
        { codec },
      );
      const whole = sink.bytes();
      const { tocStart } = decodeHeader(whole);
      for (let at = 0; at < whole.length; at++) {
        const bytes = Uint8Array.from(whole);
        bytes[at]! ^= 0x55;
        const archive = await openArchive(bytes).catch(() => undefined);
        if (archive === undefined) {
          // Opening the outer archive does not open its children.
          expect(at < 50 || at >= 50 + tocStart).toBe(true);
          continue;
        }
        // Concurrently: no read may leave an unhandled rejection.
        const outcomes = await Promise.all([
          failure(archive.read()),
          failure(archive.entries().toArray()),
          failure(archive.select("*/name").toArray()),
          ...names.map((name) => failure(archive.read([name, "name"]))),
        ]);
        expect(outcomes.slice(3).filter((outcome) => outcome !== "no error").length).toBeLessThanOrEqual(
          at >= 50 + tocStart ? 4 : 1,
        );
        for (const outcome of outcomes) expect(typeof outcome).toBe("string");
      }
    });
  }
});

it("rejects a walk over a list whose blocks count other items than they hold", async () => {
  const data = Buffer.from("94cc80cc81cc82cc83", "hex");
  // Two blocks of two items, which count one and three.
  const toc = Buffer.from("81a17092" + "93010105" + "93030509", "hex");
  const header = encodeHeader({ protocol: "msgpack", tocStart: data.length, tocSize: toc.length });
  const archive = await openArchive(Buffer.concat([header, data, toc]));
  const list = (await archive.get([])) as LazyList;
  expect(list.length).toBe(4);
  await expect(list.values().toArray()).rejects.toMatchObject({ code: "corrupt" });
});

it("rejects an archive truncated at any byte", async () => {
  for (const codec of ["msgpack", "cbor"] as const) {
    const bytes = encodeArchive({ a: [1, 2, 3], b: "x".repeat(40) }, { codec, smallObjectThreshold: 0 });
    for (let end = 0; end < bytes.length; end++) {
      expect(["truncated", "not-an-archive"]).toContain(await failure(openArchive(bytes.subarray(0, end))));
    }
  }
});

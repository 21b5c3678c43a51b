import { describe, expect, it } from "vitest";
import { encodeHeader } from "../src/format/header.js";
import { encodeArchive, isPeekpackError, memorySink, openArchive, writeArchive } from "../src/index.js";
import { collected, failure } from "./outcome.js";

const DEEP = 100_000;
const limits = { maxDepth: 1_000_000 };

/** How deep lists and maps of one item are nested, and what is innermost. */
function depthOf(value: unknown): { depth: number; innermost: unknown } {
  let at = value;
  let depth = 0;
  while (typeof at === "object" && at !== null) {
    at = Array.isArray(at) ? at[0] : at instanceof Map ? at.get("k") : (at as { k: unknown }).k;
    depth++;
  }
  return { depth, innermost: at };
}

function archiveOf(codec: "msgpack" | "cbor", data: Uint8Array, toc: Uint8Array): Uint8Array {
  const header = encodeHeader({ protocol: codec, tocStart: data.length, tocSize: toc.length });
  return new Uint8Array(Buffer.concat([header, data, toc]));
}

/** The node of one value that takes all of the data. */
function leaf(codec: "msgpack" | "cbor", size: number): Uint8Array {
  const digits = Uint8Array.of((size >>> 24) & 255, (size >>> 16) & 255, (size >>> 8) & 255, size & 255);
  return codec === "msgpack"
    ? Uint8Array.of(0x81, 0xa1, 0x70, 0x92, 0, 0xce, ...digits)
    : Uint8Array.of(0xa1, 0x61, 0x70, 0x82, 0, 0x1a, ...digits);
}

const FORMS = [
  ["msgpack", "lists", [0x91]],
  ["msgpack", "maps", [0x81, 0xa1, 0x6b]],
  ["cbor", "lists", [0x81]],
  ["cbor", "maps", [0xa1, 0x61, 0x6b]],
  ["cbor", "lists of indefinite length", [0x9f]],
] as const;

describe.each(FORMS)("in %s, %s nested 100,000 deep", (codec, what, level) => {
  const endless = what.endsWith("length");
  const data = new Uint8Array(DEEP * level.length + 1 + (endless ? DEEP : 0));
  for (let i = 0; i < DEEP; i++) data.set(level, i * level.length);
  data[DEEP * level.length] = 7;
  if (endless) data.fill(0xff, DEEP + 1);
  const bytes = archiveOf(codec, data, leaf(codec, data.length));

  it("are refused, unless such depth is allowed", async () => {
    const archive = await openArchive(bytes);
    expect(await failure(archive.read())).toBe("limit");
    expect(await failure(writeArchive(memorySink(), archive))).toBe("limit");
  });

  it("are read, looked into and copied where it is", async () => {
    const archive = await openArchive(bytes, { limits, maps: codec === "cbor" ? "map" : "object" });
    expect(depthOf(await archive.read())).toEqual({ depth: DEEP, innermost: 7 });
    const path = what === "maps" ? ["k", "k"] : [0, 0];
    expect(depthOf(await archive.read(path)).depth).toBe(DEEP - 2);
    expect(await archive.size(path)).toBe(1);
    expect((await collected(archive.raw())).length).toBe(bytes.length);
    expect((await collected(archive.raw(path))).length).toBe(data.length - (endless ? 4 : 2 * level.length));
    // Written again it may be too deep for the stack; then a typed error says so.
    const again = await failure(writeArchive(memorySink(), archive, { maxDepth: 1e6 }));
    expect(["no error", "limit"]).toContain(again);
  });
});

describe("a table that is as deep", () => {
  /** Nodes with a span and one child each, all over the same data. */
  function deepTable(codec: "msgpack" | "cbor", levels: number, spans: boolean): Uint8Array {
    const cbor = codec === "cbor";
    const text = cbor ? 0x61 : 0xa1;
    const span = [text, 0x70, cbor ? 0x82 : 0x92, 0, 1];
    const node = spans
      ? [cbor ? 0xa2 : 0x82, ...span, text, 0x74, cbor ? 0x81 : 0x91]
      : [cbor ? 0xa1 : 0x81, text, 0x74, cbor ? 0x81 : 0x91];
    const end = [cbor ? 0xa1 : 0x81, ...span];
    const toc = new Uint8Array(levels * node.length + end.length);
    for (let i = 0; i < levels; i++) toc.set(node, i * node.length);
    toc.set(end, levels * node.length);
    return archiveOf(codec, Uint8Array.of(7), toc);
  }

  for (const codec of ["msgpack", "cbor"] as const) {
    for (const spans of [true, false]) {
      it(`in ${codec}, nodes with${spans ? "" : "out"} a span of their own`, async () => {
        const levels = 15_000;
        const bytes = deepTable(codec, levels, spans);
        expect(await failure(openArchive(bytes))).toBe("limit");
        const archive = await openArchive(bytes, { limits });
        expect(await archive.read(Array(50).fill(0).concat(Array(50).fill(-1)))).toBeDefined();
        const whole = await archive.read().catch((error: unknown) => error);
        // With a span the data are what counts; without, it is all those lists.
        if (spans) expect(whole).toBe(7);
        else if (!isPeekpackError(whole)) expect(depthOf(whole)).toEqual({ depth: levels, innermost: 7 });
        let found = 0;
        for await (const _ of archive.select("*/*/*")) found++;
        expect(found).toBe(1);
        const shallower = await openArchive(deepTable(codec, 5000, spans), { limits });
        const again = await failure(writeArchive(memorySink(), shallower, { maxDepth: 1e6 }));
        expect(["no error", "limit"]).toContain(again);
      });
    }
  }
});

it("what is written is as deep as is allowed: no crash, whatever is asked for", async () => {
  for (const codec of ["msgpack", "cbor"] as const) {
    for (const levels of [500, 2000, 20_000, 100_000]) {
      let value: unknown = 7;
      for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { k: value };
      const options = { codec, maxDepth: 100_000, smallObjectThreshold: levels <= 2000 ? 10 : 8192 };
      let bytes: Uint8Array | undefined;
      try {
        bytes = encodeArchive(value, options);
      } catch (error) {
        expect(error).toMatchObject({ name: "PeekpackError", code: "limit" });
        expect(levels).toBeGreaterThan(1000);
      }
      if (bytes !== undefined) {
        const archive = await openArchive(bytes, { limits });
        expect(depthOf(await archive.read())).toEqual({ depth: levels, innermost: 7 });
        const sink = memorySink();
        expect(["no error", "limit"]).toContain(await failure(writeArchive(sink, archive, options)));
      }
    }
  }
});

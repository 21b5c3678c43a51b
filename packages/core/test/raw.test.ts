import { describe, expect, it } from "vitest";
import { decodeHeader, encodeHeader } from "../src/format/header.js";
import { combineArchives, encodeArchive, memorySink, openArchive, slice } from "../src/index.js";
import { firstDifference } from "./bytes.js";
import { observedSource } from "./observed-source.js";
import { collected, failure } from "./outcome.js";
import { everyKind, places } from "./places.js";

const CODECS = ["msgpack", "cbor"] as const;
const document = everyKind();

/** An encoded value. */
function item(value: unknown, codec: "msgpack" | "cbor"): Uint8Array {
  const archive = encodeArchive(value, { codec });
  return archive.subarray(50, 50 + decodeHeader(archive).tocStart);
}

describe.each(CODECS)("raw bytes in %s", (codec) => {
  for (const smallObjectThreshold of [0, 256, 1e6]) {
    it(`are the encoded value at every path, also inside leaves and blocks (threshold ${smallObjectThreshold})`, async () => {
      const bytes = encodeArchive(document, { codec, smallObjectThreshold });
      const archive = await openArchive(bytes);
      expect(firstDifference(await collected(archive.raw()), bytes)).toBeUndefined();
      for (const { path, value } of places(document)) {
        if (path.length === 0 || (path.length === 2 && path[0] === "blocks" && Number(path[1]) % 20 > 1))
          continue;
        expect(
          firstDifference(await collected(archive.raw(path)), item(value, codec)),
          path.join("/"),
        ).toBeUndefined();
      }
    });
  }

  it("of a child archive are that archive, at any depth", async () => {
    const child = encodeArchive(document, {
      codec: codec === "cbor" ? "msgpack" : "cbor",
      smallObjectThreshold: 256,
    });
    const inner = memorySink();
    await combineArchives(inner, [{ source: child }, { value: 1 }], { codec });
    const outer = memorySink();
    await combineArchives(
      outer,
      [
        { name: "a", source: inner.bytes() },
        { name: "b", source: child },
      ],
      { codec },
    );
    const archive = await openArchive(observedSource(outer.bytes()));
    expect(firstDifference(await collected(archive.raw("a")), inner.bytes())).toBeUndefined();
    expect(firstDifference(await collected(archive.raw("a/0")), child)).toBeUndefined();
    expect(firstDifference(await collected(archive.raw("b")), child)).toBeUndefined();
    expect(
      firstDifference(
        await collected(archive.raw("b/leaf")),
        item(document.leaf, codec === "cbor" ? "msgpack" : "cbor"),
      ),
    ).toBeUndefined();
    const extracted = await openArchive(await collected(archive.raw("a/0")));
    expect(await extracted.read()).toEqual(document);
  });

  it("exclude bytes before and after an archive in a larger object", async () => {
    const bytes = encodeArchive(document, { codec });
    const object = new Uint8Array(777 + bytes.length + 99).fill(7);
    object.set(bytes, 777);
    const archive = await openArchive(object, { offset: 777 });
    expect(firstDifference(await collected(archive.raw()), bytes)).toBeUndefined();
  });

  it("reject missing paths, slices and paths below scalars", async () => {
    const archive = await openArchive(encodeArchive(document, { codec, smallObjectThreshold: 256 }));
    for (const [path, code] of [
      ["no", "not-found"],
      ["leaf/no", "not-found"],
      ["leaf/b/9", "not-found"],
      ["blocks/300", "not-found"],
      ["text/0", "bad-path"],
      ["text/x/y", "bad-path"],
      ["leaf/b/0:2", "bad-path"],
      ["blocks/0:2", "bad-path"],
      [["list", slice(0, 1)], "bad-path"],
      [["leaf", slice(0, 1)], "bad-path"],
    ] as const) {
      expect(await failure(collected(archive.raw(path))), String(path)).toBe(code);
    }
    expect(() => archive.raw(5 as never)).toThrow(TypeError);
  });
});

it("of containers of indefinite length and of their items", async () => {
  // {"l": [1, [2, 3], {"k": 4}]} with every container of indefinite length
  const data = new Uint8Array(Buffer.from("bf616c9f019f0203ffbf616b04ffffff", "hex"));
  const toc = new Uint8Array(Buffer.from("a1617082000f", "hex"));
  toc[5] = data.length;
  const header = encodeHeader({ protocol: "cbor", tocStart: data.length, tocSize: toc.length });
  const archive = await openArchive(new Uint8Array(Buffer.concat([header, data, toc])));
  expect(await archive.read()).toEqual({ l: [1, [2, 3], { k: 4 }] });
  for (const [path, hex] of [
    ["l", "9f019f0203ffbf616b04ffff"],
    ["l/1", "9f0203ff"],
    ["l/1/-1", "03"],
    ["l/2/k", "04"],
  ] as const) {
    expect(Buffer.from(await collected(archive.raw(path))).toString("hex")).toBe(hex);
  }
});

describe("the raw stream", () => {
  const large = encodeArchive({ text: "x".repeat(5_000_000), other: "y".repeat(100_000) });

  it("reads each piece on demand, independent of other reads", async () => {
    const source = observedSource(large);
    const archive = await openArchive(source, { cacheBytes: 0, readAhead: 0 });
    const reader = archive.raw().getReader();
    const before = source.requests;
    expect(source.requests).toBe(before);
    const pieces: Uint8Array[] = [];
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      expect(value.length).toBeLessThanOrEqual(1024 * 1024);
      pieces.push(value);
      expect(await archive.read("other")).toBe("y".repeat(100_000));
    }
    expect(pieces.length).toBeGreaterThan(4);
    expect(firstDifference(new Uint8Array(Buffer.concat(pieces)), large)).toBeUndefined();
  });

  it("can be canceled, piped and aborted, and fails once the archive is closed", async () => {
    const source = observedSource(large);
    const archive = await openArchive(source, { cacheBytes: 0, readAhead: 0 });
    const left = archive.raw();
    const reader = left.getReader();
    await reader.read();
    const { requests } = source;
    await reader.cancel();
    expect(source.requests).toBe(requests);
    let piped = 0;
    await archive.raw("other").pipeTo(
      new WritableStream<Uint8Array>({
        write: (chunk) => {
          piped += chunk.length;
        },
      }),
    );
    expect(piped).toBe(100_005);
    const signal = AbortSignal.abort("enough");
    expect(await failure(collected(archive.raw("text", { signal })))).toBe("enough");
    const half = archive.raw("text").getReader();
    await half.read();
    await archive.close();
    expect(
      await failure(
        (async () => {
          while (!(await half.read()).done);
        })(),
      ),
    ).toBe("closed");
    expect(await failure(async () => collected(archive.raw()))).toBe("closed");
  });

  it("returns copies", async () => {
    const bytes = Uint8Array.from(large);
    const archive = await openArchive(bytes);
    const { value } = await archive.raw().getReader().read();
    value!.fill(0);
    expect(firstDifference(bytes, large)).toBeUndefined();
  });
});

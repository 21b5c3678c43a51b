import { expect, it } from "vitest";
import { concat } from "../src/bytes.js";
import { decodeHeader, HEADER_SIZE } from "../src/format/header.js";
import { PageIndexBuilder } from "../src/format/page-index-builder.js";
import type { HashSpill } from "../src/format/page-index-hash-runs.js";
import { encodeArchive, mapOf, memorySink, writeArchive } from "../src/index.js";

const CODECS = ["msgpack", "cbor"] as const;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const text = (i: number): string => `text ${i} `.padEnd(60, "x");
const texts = (prefix: string, count: number): Map<string, string> =>
  new Map(numbers(count).map((i) => [`${prefix} ${i}`, text(i)]));

/** The builder of an archive's index, after it has read the whole table in small chunks. */
async function built(archive: Uint8Array, spill?: HashSpill): Promise<PageIndexBuilder> {
  const { protocol, tocStart, tocSize } = decodeHeader(archive, archive.length, 0);
  const start = HEADER_SIZE + tocStart;
  const table = archive.subarray(start, start + tocSize);
  const builder = new PageIndexBuilder({ protocol, tocStart, maxDepth: 100, runEntries: 1000 });
  for (let at = 0; at < table.length; at += 10_000) {
    builder.write(table.subarray(at, at + 10_000));
    if (spill !== undefined) await builder.spill(spill);
  }
  return builder;
}

function memoryHashSpill(): HashSpill & { readonly size: number } {
  const content = new Uint8Array(16 * 1024 * 1024);
  let end = 0;
  return {
    get size() {
      return end;
    },
    async append(bytes) {
      const at = end;
      content.set(bytes, at);
      end += bytes.length;
      return at;
    },
    read: async (start, stop) => content.slice(start, stop),
  };
}

/** A map of so many keys has keys of the same first hash. */
const MANY = 150_000;

it.each(CODECS)("%s: an index of spilled hashes has the bytes of one made in memory", async (codec) => {
  const values: Record<string, unknown> = {
    "one large map": texts("key", MANY),
    "large maps in a large map": new Map<string, unknown>([
      ...texts("a", 3000),
      ["first", texts("b", 5000)],
      ["second", new Map<string, unknown>([["inner", texts("c", 4000)], ...texts("d", 2000)])],
      ...texts("e", 3000),
    ]),
    "many maps below the size of a run": new Map(numbers(40).map((i) => [i, texts(`${i}`, 400)])),
  };
  for (const [name, value] of Object.entries(values)) {
    const archive = encodeArchive(value, { codec, smallObjectThreshold: 64, trivialSize: 20 });
    const wanted = concat([...(await built(archive)).finish()!.chunks()]);
    const spill = memoryHashSpill();
    const chunks: Uint8Array[] = [];
    for await (const chunk of await (await built(archive, spill)).finishSpilled(spill)) chunks.push(chunk);
    expect(spill.size, name).toBeGreaterThan(0);
    expect(Buffer.compare(concat(chunks), wanted), name).toBe(0);
  }
});

it("a map with the same key in two runs gets no index", async () => {
  const sink = memorySink();
  const entries = [...texts("key", 9000), ["key 5", text(5)]] as [string, string][];
  await writeArchive(sink, mapOf(entries), { smallObjectThreshold: 64, trivialSize: 20, pageIndex: false });
  const spill = memoryHashSpill();
  const builder = await built(sink.bytes(), spill);
  expect([...((await builder.finishSpilled(spill)) as Iterable<Uint8Array>)]).toEqual([]);
  expect(builder.reason).toBe("a map holds the same key twice");
  expect(spill.size).toBeGreaterThan(0);
});

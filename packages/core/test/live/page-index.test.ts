import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { difference, fromTagged, type TaggedJson } from "@peekpack/testing/fixtures";
import { livePython, type MsglcPeer, skippedAsAbsent, startPeer } from "@peekpack/testing/python";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeFooter } from "../../src/format/page-index.js";
import {
  appendArchives,
  buildPageIndex,
  combineArchives,
  decodeHeader,
  encodeArchive,
  memorySink,
  openArchive,
} from "../../src/index.js";
import { IndexLookup } from "../index-lookup.js";

const live = await livePython();
const skipped = skippedAsAbsent("page indexes against the live msglc", live.absent);

let directory: string;
let peer: MsglcPeer;
let files = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "peekpack-live-index-"));
  if (!skipped) peer = await startPeer();
});
afterAll(async () => {
  await peer?.close();
  await rm(directory, { recursive: true });
});

const newFile = (): string => join(directory, `${files++}`);
const bytesOf = async (file: string): Promise<Uint8Array> => new Uint8Array(await readFile(file));

const value: TaggedJson = {
  $map: [
    ["texts", Array.from({ length: 1200 }, (_, i) => `text ${i}`.padEnd(30, "."))],
    ["map", { $map: Array.from({ length: 900 }, (_, i) => [`key ${i}`, `value ${i}`.padEnd(30, ".")]) }],
  ],
};
const threshold = { smallObjectThreshold: 30, trivialSize: 20 };

/** An archive, cut at the end of its table. */
function cut(archive: Uint8Array): {
  readonly plain: Uint8Array;
  readonly rest: Uint8Array;
  readonly lookup: () => IndexLookup;
} {
  const { protocol, tocStart, tocSize } = decodeHeader(archive);
  const end = 50 + tocStart + tocSize;
  const table = archive.slice(50 + tocStart, end);
  const rest = archive.slice(end);
  return {
    plain: archive.slice(0, end),
    rest,
    lookup: () => new IndexLookup(rest, table, protocol, tocStart),
  };
}

/** Whether the last bytes are the footer of an index that belongs to the header. */
function isIndexed(archive: Uint8Array): boolean {
  const { tocStart, tocSize } = decodeHeader(archive);
  const footer = decodeFooter(archive.subarray(-64));
  return footer?.tocStart === tocStart && footer.tocSize === tocSize;
}

describe.skipIf(skipped).each(["msgpack", "cbor"] as const)("archives in %s with a page index", (codec) => {
  const indexed = encodeArchive(fromTagged(value), { ...threshold, codec, pageIndex: true });

  it("msglc reads them", async () => {
    expect(isIndexed(indexed)).toBe(true);
    const file = newFile();
    await writeFile(file, indexed);
    expect(difference(fromTagged(await peer.readAll({ file })), value)).toBeUndefined();
    const answers = await peer.read({ source: { file }, paths: ["map/key 899", "texts/7", "map/none"] });
    expect(answers.map((answer) => answer.value)).toEqual([
      "value 899".padEnd(30, "."),
      "text 7".padEnd(30, "."),
      undefined,
    ]);
  });

  it("an index is built for what msglc wrote, and msglc reads on", async () => {
    const file = newFile();
    await peer.write({ target: { file }, value, codec, threshold: 30, trivial: 20 });
    const plain = await bytesOf(file);
    expect(isIndexed(plain)).toBe(false);
    const { bytes } = await buildPageIndex(plain);
    const archive = Buffer.concat([plain, bytes]);
    expect(Buffer.compare(archive, indexed)).toBe(0);
    expect(cut(archive).lookup().find(["map", "key 17"])).toBeDefined();
    await writeFile(file, archive);
    expect(difference(fromTagged(await peer.readAll({ file })), value)).toBeUndefined();
  });

  it("msglc combines them: each child keeps its index, where its next sibling begins", async () => {
    const child = newFile();
    const file = newFile();
    await writeFile(child, indexed);
    const names = ["first", "second", "third"];
    const children = names.map((name) => ({ name, source: { file: child } }));
    await peer.combine({ target: { file }, children, codec });
    const archive = await bytesOf(file);
    const { tocStart } = decodeHeader(archive);
    expect(tocStart).toBe(3 * indexed.length);
    for (let i = 0; i < 3; i++) {
      const bytes = archive.slice(50 + i * indexed.length, 50 + (i + 1) * indexed.length);
      expect(Buffer.compare(bytes, indexed)).toBe(0);
      expect(isIndexed(bytes)).toBe(true);
    }
    const opened = await openArchive(archive);
    for (const name of names) {
      expect(difference(await opened.read([name]), value)).toBeUndefined();
      const [answer] = await peer.read({ source: { file }, paths: [`${name}/texts/1199`] });
      expect(answer?.value).toBe("text 1199".padEnd(30, "."));
    }
    // As we combine them, without an index of the outer table.
    const sink = memorySink();
    const ours = names.map((name) => ({ name, source: indexed }));
    await combineArchives(sink, ours, { codec, pageIndex: true });
    expect(Buffer.compare(sink.bytes(), archive)).toBe(0);
  });

  it("msglc appends to them, which leaves a stale index, and we append again", async () => {
    const small = encodeArchive({ n: 1 }, { codec });
    const children = Array.from({ length: 1500 }, (_, i) => ({ name: `child number ${i}`, source: small }));
    const sink = memorySink();
    await combineArchives(sink, children, { codec, pageIndex: true });
    expect(isIndexed(sink.bytes())).toBe(true);
    const file = newFile();
    const child = newFile();
    await writeFile(file, sink.bytes());
    // A small child: the new end lies before the old one, and the old footer stays.
    await writeFile(child, small);
    await peer.append({ target: { file }, children: [{ name: "by msglc", source: { file: child } }], codec });
    const stale = await bytesOf(file);
    expect(stale.length).toBe(sink.bytes().length);
    expect(decodeFooter(stale.subarray(-64))).toBeDefined();
    expect(isIndexed(stale)).toBe(false);
    const opened = await openArchive(stale);
    expect(await opened.read("by msglc/n")).toBe(1);
    expect(await opened.read("child number 1499/n")).toBe(1);
    await expect(buildPageIndex(stale)).resolves.toMatchObject({ info: { hashEntries: 1501 } });

    const again = memorySink();
    await appendArchives({ source: stale, sink: again }, [{ name: "by us", source: indexed }], {
      pageIndex: true,
    });
    const { lookup } = cut(again.bytes());
    expect(isIndexed(again.bytes())).toBe(true);
    for (const name of ["by us", "by msglc", "child number 77"]) expect(lookup().find([name])).toBeDefined();
    await writeFile(file, again.bytes());
    const answers = await peer.read({
      source: { file },
      paths: ["by us/map/key 1", "by msglc/n", "child number 0/n"],
    });
    expect(answers.map((answer) => answer.value)).toEqual(["value 1".padEnd(30, "."), 1, 1]);
  });
});

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fromTagged, type TaggedJson } from "@peekpack/testing/fixtures";
import { describe, expect, it } from "vitest";
import { decodeHeader, type Protocol } from "../src/format/header.js";
import { buildPageIndex, combineArchives, encodeArchive, memorySink } from "../src/index.js";
import { IndexLookup, type Step } from "./index-lookup.js";

/** A row of page-index.json; testing/fixtures/README.md describes them. */
interface Vector {
  readonly name: string;
  readonly codec: Protocol;
  readonly threshold: number;
  readonly trivial: number;
  readonly value?: TaggedJson;
  readonly children?: readonly [count: number, name: string | null, value: TaggedJson];
  readonly tocStart: number;
  readonly tocSize: number;
  readonly archive: string;
  readonly index: string;
  readonly nodes: number;
  readonly pages: number;
  readonly hashes: number;
  readonly finds: readonly (readonly [path: TaggedJson[], found: unknown])[];
}

const rows = JSON.parse(
  readFileSync(new URL("../../../testing/fixtures/page-index.json", import.meta.url), "utf8"),
) as Vector[];

const sha256 = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}:len${bytes.length}`;

/** Values with their series written out. */
function expanded(value: TaggedJson, i?: number): TaggedJson {
  if (typeof value === "string" && i !== undefined) return value.replaceAll("#", `${i}`);
  if (Array.isArray(value)) return value.map((item) => expanded(item, i));
  if (typeof value !== "object" || value === null) return value;
  const { $entries, $items } = value as {
    $entries?: [number, string, TaggedJson];
    $items?: [number, TaggedJson];
  };
  if ($entries !== undefined) {
    const [count, key, entry] = $entries;
    return {
      $map: Array.from({ length: count }, (_, n) => [expanded(key, n), expanded(entry, n)]),
    } as TaggedJson;
  }
  if ($items !== undefined) {
    const [count, item] = $items;
    return Array.from({ length: count }, (_, n) => expanded(item, n));
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, expanded(inner as TaggedJson, i)]),
  ) as TaggedJson;
}

async function archiveOf(
  { codec, threshold, trivial, value, children }: Vector,
  pageIndex: boolean,
): Promise<Uint8Array> {
  const options = { codec, smallObjectThreshold: threshold, trivialSize: trivial, pageIndex };
  if (children === undefined) return encodeArchive(fromTagged(expanded(value!)), options);
  const [count, name, item] = children;
  const sink = memorySink();
  const all = Array.from({ length: count }, (_, i) => ({
    ...(name === null ? {} : { name: name.replaceAll("#", `${i}`) }),
    value: fromTagged(expanded(item, i)),
  }));
  await combineArchives(sink, all, options);
  return sink.bytes();
}

describe.each(rows.map((row) => [`${row.name}, ${row.codec}`, row] as const))("%s", (_, row) => {
  it("has exactly this index", async () => {
    const archive = await archiveOf(row, true);
    const { tocStart, tocSize } = decodeHeader(archive);
    const end = 50 + tocStart + tocSize;
    const plain = archive.slice(0, end);
    const index = archive.slice(end);
    expect({ tocStart, tocSize }).toEqual({ tocStart: row.tocStart, tocSize: row.tocSize });
    expect(sha256(plain)).toBe(row.archive);
    expect(row.index.startsWith("sha256:") ? sha256(index) : Buffer.from(index).toString("hex")).toBe(
      row.index,
    );
    expect(Buffer.compare(await archiveOf(row, false), plain)).toBe(0);
    const { bytes, info } = await buildPageIndex(plain);
    expect(Buffer.compare(bytes, index)).toBe(0);
    expect(info).toMatchObject({ nodes: row.nodes, pages: row.pages, hashEntries: row.hashes });
    const lookup = new IndexLookup(index, plain.subarray(50 + tocStart), row.codec, tocStart);
    for (const [path, wanted] of row.finds) {
      const found = lookup.find(path.map((step) => fromTagged(step) as Step));
      const told = found === undefined ? null : "block" in found ? found : plainNode(found.node);
      expect(told, JSON.stringify(path)).toEqual(wanted);
    }
  });
});

/** A node's span, or a child archive's offset. */
function plainNode(node: unknown): unknown {
  return node instanceof Map ? { span: node.get("p") } : { offset: node };
}

import { gzipSync } from "node:zlib";
import { zxyToTileId } from "pmtiles";
import { record, VALUES } from "./values.js";

/** A zoom level of 2^20 tiles. */
export const ZOOM = 10;
const HEADER = 127;
/** Entries of a leaf directory, as go-pmtiles makes them first. */
const LEAF_ENTRIES = 4096;
const GZIP = 2;
const UNCOMPRESSED = 1;

interface TileEntry {
  readonly id: number;
  readonly offset: number;
  readonly length: number;
  /** 0 for a leaf directory. */
  readonly run: number;
}

/** A PMTiles archive (version 3) whose tiles are the values, with leaf directories. */
export function pmtilesFile(): Uint8Array {
  const base = zxyToTileId(ZOOM, 0, 0);
  const tiles = Array.from({ length: VALUES }, (_, i) => Buffer.from(record(i)));
  let offset = 0;
  const entries = tiles.map(({ length }, i): TileEntry => {
    offset += length;
    return { id: base + i, offset: offset - length, length, run: 1 };
  });
  const leaves: Buffer[] = [];
  const rootEntries: TileEntry[] = [];
  let leafBytes = 0;
  for (let i = 0; i < entries.length; i += LEAF_ENTRIES) {
    const leaf = directory(entries.slice(i, i + LEAF_ENTRIES));
    rootEntries.push({ id: entries[i]!.id, offset: leafBytes, length: leaf.length, run: 0 });
    leaves.push(leaf);
    leafBytes += leaf.length;
  }
  const root = directory(rootEntries);
  const metadata = gzipSync("{}");
  const header = Buffer.alloc(HEADER);
  header.write("PMTiles", "latin1");
  header[7] = 3;
  const metadataAt = HEADER + root.length;
  const leavesAt = metadataAt + metadata.length;
  const fields = [
    ...[HEADER, root.length, metadataAt, metadata.length, leavesAt, leafBytes, leavesAt + leafBytes, offset],
    ...[VALUES, VALUES, VALUES],
  ];
  for (const [i, field] of fields.entries()) header.writeBigUInt64LE(BigInt(field), 8 + i * 8);
  header.set([1, GZIP, UNCOMPRESSED, 0, ZOOM, ZOOM], 96);
  return Buffer.concat([header, root, metadata, ...leaves, ...tiles]);
}

/** A directory: columns of variable-length integers. */
function directory(entries: readonly TileEntry[]): Buffer {
  const bytes: number[] = [];
  const varint = (value: number): void => {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
    bytes.push(rest);
  };
  varint(entries.length);
  entries.forEach(({ id }, i) => {
    varint(id - (entries[i - 1]?.id ?? 0));
  });
  for (const { run } of entries) varint(run);
  for (const { length } of entries) varint(length);
  entries.forEach(({ offset }, i) => {
    const before = entries[i - 1];
    // 0 says that it follows the one before.
    varint(before !== undefined && offset === before.offset + before.length ? 0 : offset + 1);
  });
  return gzipSync(Uint8Array.from(bytes));
}

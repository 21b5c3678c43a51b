import { crc32 } from "../crc32.js";
import { PeekpackError } from "../errors.js";
import type { Cursor, Item } from "./cursor.js";
import { FNV_BASIS, FNV_PRIME, finalized, hashBytes } from "./hash.js";
import { beginsAsFooter, FOOTER_SIZE } from "./page-index-footer.js";

/*
 * The layout of a page index, version 1: docs/page-index.md describes it completely.
 */

/** A node whose encoding in the table is longer than this is large, and a run of entries of this length is a page. */
export const PAGE_BYTES = 8192;
/** Length of a page record in bytes. */
export const PAGE_RECORD_SIZE = 32;
/** Page records are read in groups of so many. A node of one group has its page records in its node record. */
export const PAGE_GROUP = 128;
/** Length of a hash block in bytes: entries of 8 bytes, then 8 bytes with the checksum. */
export const HASH_BLOCK_SIZE = 4096;
/** Hash entries of a block. */
export const HASH_BLOCK_ENTRIES = 511;
/** There is a hash sample for every so many blocks. */
export const HASH_SAMPLE_BLOCKS = 64;
/** Length of a node record without its arrays. */
export const NODE_RECORD_SIZE = 96;
/** Length of a root block without its arrays. */
export const ROOT_HEAD_SIZE = 32;
/** Length of an entry of the root block's directory. */
export const DIRECTORY_ENTRY_SIZE = 12;
/** Root block and footer stay within this length, unless the directory and the record of the root are longer. */
export const ROOT_BYTES = 32_768;
/** Record blocks stay within this length, unless one record is longer. */
export const RECORD_BLOCK_BYTES = 8192;
/** The version that this code reads and writes. */
export const PAGE_INDEX_VERSION = 1;

/** The kinds of large nodes, by their number in a record. */
export const NODE_KINDS = ["map", "list", "blocked"] as const;

/** What the last 64 bytes of an index say. */
export interface Footer {
  readonly rootCrc: number;
  /** The header's two fields. */
  readonly tocStart: number;
  readonly tocSize: number;
  /** Length of the index, footer included. */
  readonly indexSize: number;
  /** Index offset and length of the root block. */
  readonly rootStart: number;
  readonly rootSize: number;
}

/** A page of a large node. Offsets are table offsets. */
export interface PageRecord {
  readonly offset: number;
  /** The hash of the path of a page that is a large child. 0 if the page is not one. */
  readonly hash: number;
  /** Number of its first entry; in a list of blocks, of its first item. */
  readonly first: number;
  /** Position where its first entry begins. */
  readonly start: number;
  /** Length in bytes. */
  readonly size: number;
  /** Whether it is a large child: then only its key and its head. */
  readonly large: boolean;
  readonly crc: number;
}

/** The first page of a group of page records, and the checksum of the group. */
export interface PageSample {
  readonly first: number;
  readonly offset: number;
  readonly crc: number;
}

/** A large node. Offsets are table offsets unless they say otherwise. */
export interface NodeRecord {
  readonly node: number;
  readonly end: number;
  /** Offset of its key; of the node itself if it has none. */
  readonly key: number;
  /** Offset of its first entry. */
  readonly first: number;
  /** How many entries it has. */
  readonly count: number;
  readonly spanStart: number;
  readonly spanEnd: number;
  /** How many items the value has. */
  readonly items: number;
  /** Index offset of its page records. 0 if they are in `pages`. */
  readonly pagesStart: number;
  readonly pageCount: number;
  /** The hash of its path. */
  readonly hash: number;
  /** How many large nodes are above it. */
  readonly level: number;
  readonly kind: (typeof NODE_KINDS)[number];
  /** CRC-32 of the table from the key to the first entry. */
  readonly headCrc: number;
  readonly pages: readonly PageRecord[] | undefined;
  readonly pageSamples: readonly PageSample[];
}

/** Where a record block is, and the hash of its first record. */
export interface DirectoryEntry {
  readonly hash: number;
  /** Index offset. */
  readonly start: number;
  readonly size: number;
  readonly crc: number;
}

/** The root block: where hash blocks and record blocks are, and the records of the root and of further large nodes. */
export interface RootBlock {
  readonly directory: readonly DirectoryEntry[];
  /** How many large nodes are above the deepest one. */
  readonly levels: number;
  readonly hashCount: number;
  /** Index offset of the first hash block. */
  readonly hashStart: number;
  readonly hashSamples: Uint32Array;
  readonly records: readonly NodeRecord[];
}

/** The hash of a key's path, and the table offset of the page that holds it. */
export interface HashEntry {
  readonly hash: number;
  readonly page: number;
}

/** The error for an index that contradicts itself or the table. The table itself may be sound. */
export class DamagedIndex extends PeekpackError {
  constructor(what: string, offset?: number) {
    super("corrupt", `The page index is damaged: ${what}.`, { section: "toc", offset });
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Reads a `u64`. Beyond 2^53 − 1 it is NaN, which no comparison accepts. */
function u64(view: DataView, at: number): number {
  const value = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** Reads a footer. Undefined if there is none, or if it contradicts itself. */
export function decodeFooter(bytes: Uint8Array): Footer | undefined {
  if (bytes.length !== FOOTER_SIZE || !beginsAsFooter(bytes)) return undefined;
  const view = viewOf(bytes);
  if (view.getUint16(8, true) !== PAGE_INDEX_VERSION || view.getUint16(10, true) !== 0) return undefined;
  if (view.getUint32(60, true) !== crc32(bytes.subarray(0, 60))) return undefined;
  const footer: Footer = {
    rootCrc: view.getUint32(12, true),
    tocStart: u64(view, 16),
    tocSize: u64(view, 24),
    indexSize: u64(view, 32),
    rootStart: u64(view, 40),
    rootSize: view.getUint32(48, true),
  };
  const { tocStart, tocSize, indexSize, rootStart, rootSize } = footer;
  const fits =
    tocStart > 0 &&
    tocSize > 0 &&
    tocSize < 2 ** 32 &&
    rootSize > NODE_RECORD_SIZE &&
    rootStart + rootSize + FOOTER_SIZE === indexSize;
  return fits ? footer : undefined;
}

/** Length of what comes before the records of a root block, with so many record blocks and hash samples. */
export function rootHeadSize(blocks: number, samples: number): number {
  return Math.ceil((ROOT_HEAD_SIZE + blocks * DIRECTORY_ENTRY_SIZE + samples * 4) / 8) * 8;
}

/** Length of the hash blocks of so many entries in bytes. */
export function hashBlocksSize(count: number): number {
  return (count + Math.ceil(count / HASH_BLOCK_ENTRIES)) * 8;
}

/**
 * Reads a root block.
 * @throws PeekpackError `corrupt`
 */
export function decodeRootBlock(bytes: Uint8Array, footer: Footer): RootBlock {
  checkBlock(bytes, footer.rootCrc);
  const view = viewOf(bytes);
  const count = view.getUint32(0, true);
  const hashCount = view.getUint32(4, true);
  const hashBlocks = Math.ceil(hashCount / HASH_BLOCK_ENTRIES);
  const samples = Math.ceil(hashBlocks / HASH_SAMPLE_BLOCKS);
  const samplesAt = ROOT_HEAD_SIZE + count * DIRECTORY_ENTRY_SIZE;
  const records = rootHeadSize(count, samples);
  if (records > bytes.length) throw new DamagedIndex("a block is cut off");
  let start = u64(view, 8);
  const directory = Array.from({ length: count }, (_, i): DirectoryEntry => {
    const at = ROOT_HEAD_SIZE + i * DIRECTORY_ENTRY_SIZE;
    const size = view.getUint32(at + 4, true);
    start += size;
    return { hash: view.getUint32(at, true), start: start - size, size, crc: view.getUint32(at + 8, true) };
  });
  const hashStart = u64(view, 16);
  if (!(start <= footer.rootStart && hashStart + hashBlocksSize(hashCount) <= footer.rootStart)) {
    throw new DamagedIndex("a block is cut off");
  }
  const decoded = decodeRecordBlock(bytes.subarray(records), footer);
  const [root] = decoded;
  if (root?.level !== 0 || root.node !== 0 || root.end !== footer.tocSize) {
    throw new DamagedIndex("a node record contradicts itself");
  }
  return {
    directory,
    levels: view.getUint32(24, true),
    hashCount,
    hashStart,
    hashSamples: Uint32Array.from({ length: samples }, (_, i) => view.getUint32(samplesAt + i * 4, true)),
    records: decoded,
  };
}

/**
 * Reads a block of node records.
 * @throws PeekpackError `corrupt`
 */
export function decodeRecordBlock(bytes: Uint8Array, footer: Footer): NodeRecord[] {
  const view = viewOf(bytes);
  const records: NodeRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = at + NODE_RECORD_SIZE > bytes.length ? 0 : view.getUint32(at + 84, true);
    if (size < NODE_RECORD_SIZE || at + size > bytes.length) {
      throw new DamagedIndex("a block is cut off");
    }
    records.push(decodeNodeRecord(bytes.subarray(at, at + size), footer));
    at += size;
  }
  return records;
}

type Nine<T> = [T, T, T, T, T, T, T, T, T];

function decodeNodeRecord(bytes: Uint8Array, { tocStart, tocSize, rootStart }: Footer): NodeRecord {
  const view = viewOf(bytes);
  const pageCount = view.getUint32(72, true);
  const inline = pageCount <= PAGE_GROUP;
  const groups = inline ? 0 : Math.ceil(pageCount / PAGE_GROUP);
  const size = NODE_RECORD_SIZE + (inline ? pageCount * PAGE_RECORD_SIZE : groups * 24);
  const kind = NODE_KINDS[view.getUint8(82)];
  if (bytes.length !== size || kind === undefined) {
    throw new DamagedIndex("a node record contradicts itself");
  }
  const fields = Array.from({ length: 9 }, (_, i) => u64(view, i * 8));
  const [node, end, key, first, count, spanStart, spanEnd, items, pagesStart] = fields as Nine<number>;
  const fits =
    key <= node &&
    node < first &&
    first < end &&
    end <= tocSize &&
    pageCount > 0 &&
    pageCount <= count &&
    // An entry takes at least one byte of the table, and an item one of the data.
    count > 0 &&
    count <= end - first &&
    (kind === "blocked" ? items >= count && items <= tocStart : items === count) &&
    spanStart <= spanEnd &&
    spanEnd <= tocStart &&
    pagesStart + (inline ? 0 : pageCount * PAGE_RECORD_SIZE) <= rootStart;
  if (!fits) throw new DamagedIndex("a node record contradicts itself");
  return {
    node,
    end,
    key,
    first,
    count,
    spanStart,
    spanEnd,
    items,
    pagesStart,
    pageCount,
    hash: view.getUint32(76, true),
    level: view.getUint16(80, true),
    kind,
    headCrc: view.getUint32(88, true),
    pages: inline ? decodePageRecords(bytes.subarray(NODE_RECORD_SIZE)) : undefined,
    pageSamples: Array.from({ length: groups }, (_, i) => {
      const at = NODE_RECORD_SIZE + i * 24;
      return { first: u64(view, at), offset: u64(view, at + 8), crc: view.getUint32(at + 16, true) };
    }),
  };
}

/**
 * Compares a block with its checksum.
 * @param before what the checksum starts from, as in `crc32`
 * @throws PeekpackError `corrupt`
 */
export function checkBlock(bytes: Uint8Array, crc: number, before?: number): void {
  if (crc32(bytes, before) !== crc) throw new DamagedIndex("a block has a wrong checksum");
}

/** Reads page records. @throws PeekpackError `corrupt` */
export function decodePageRecords(bytes: Uint8Array): PageRecord[] {
  const view = viewOf(bytes);
  return Array.from({ length: bytes.length / PAGE_RECORD_SIZE }, (_, i) => {
    const at = i * PAGE_RECORD_SIZE;
    const size = view.getUint32(at + 24, true);
    const record: PageRecord = {
      offset: view.getUint32(at, true),
      hash: view.getUint32(at + 4, true),
      first: u64(view, at + 8),
      start: u64(view, at + 16),
      size: size & 0x7fffffff,
      large: size >= 0x80000000,
      crc: view.getUint32(at + 28, true),
    };
    if (!(record.first >= 0 && record.start >= 0 && record.size > 0)) {
      throw new DamagedIndex("a page record contradicts its node");
    }
    return record;
  });
}

/**
 * Reads a hash block.
 * @throws PeekpackError `corrupt` if its checksum is wrong, or if it belongs to another table
 */
export function decodeHashBlock(bytes: Uint8Array, { tocSize }: Footer): HashEntry[] {
  const view = viewOf(bytes);
  const end = bytes.length - 8;
  checkBlock(bytes.subarray(0, end), view.getUint32(end + 4, true), tocSize);
  return Array.from({ length: end / 8 }, (_, i) => ({
    hash: view.getUint32(i * 8, true),
    page: view.getUint32(i * 8 + 4, true),
  }));
}

const NO_BYTES = new Uint8Array(0);

/** The tag of a text. */
export const TEXT_KEY = 1;
/** The tag of a byte string. */
export const BYTES_KEY = 2;
/** The tag of a number. */
const NUMBER_KEY = 3;
/** The tag of every other key. */
const OTHER_KEY = 4;

/** The hash of a key: FNV-1a over a tag and the key's content, then MurmurHash3's finalizer. */
export function hashKey(tag: number, bytes: Uint8Array, start: number, end: number): number {
  return hashBytes(Math.imul(FNV_BASIS ^ tag, FNV_PRIME), bytes, start, end);
}

/**
 * The hash of an entry's path, which begins with a large node's.
 * @param entry the hash of the key in a map, the index in a list
 */
export function pathHash(node: number, entry: number): number {
  return finalized(node ^ entry);
}

/**
 * The hash of the key at an offset of bytes that were checked.
 * @param decode decodes a key that is neither a text nor a byte string
 */
export function encodedKeyHash(
  cursor: Cursor,
  offset: number,
  decode: (bytes: Uint8Array) => unknown,
): number {
  const item: Item = { kind: "other", value: 0 };
  const start = cursor.head(offset, item);
  const { bytes } = cursor;
  if ((item.kind === "text" || item.kind === "bytes") && item.value >= 0) {
    return hashKey(item.kind === "text" ? TEXT_KEY : BYTES_KEY, bytes, start, start + item.value);
  }
  const end = cursor.skip(offset);
  const encoded = bytes.subarray(offset, end);
  return decodedKeyHash(decode(encoded), encoded);
}

/** The hash of a decoded key. `encoded`: its bytes, which are hashed if it is no text, byte string or number. */
export function decodedKeyHash(key: unknown, encoded: Uint8Array): number {
  if (typeof key === "string") return textHash(key);
  if (key instanceof Uint8Array) return hashKey(BYTES_KEY, key, 0, key.length);
  if (typeof key === "number" || typeof key === "bigint") return numberHash(Number(key));
  return hashKey(OTHER_KEY, encoded, 0, encoded.length);
}

/**
 * The hash of a key of a path.
 * @param encode the encoding of null, true and false in the archive's codec
 */
export function pathKeyHash(
  key: string | number | bigint | boolean | null | Uint8Array,
  encode: (key: boolean | null) => number,
): number {
  const word = typeof key === "boolean" || key === null;
  return decodedKeyHash(key, word ? Uint8Array.of(encode(key)) : NO_BYTES);
}

function textHash(text: string): number {
  const bytes = new TextEncoder().encode(text);
  return hashKey(TEXT_KEY, bytes, 0, bytes.length);
}

/** Numbers are hashed by value, whatever their encoding: −0 as 0, and every NaN alike. */
function numberHash(value: number): number {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  // The bits of a NaN that an engine stores are its own choice. Adding 0 turns −0 into 0.
  if (Number.isNaN(value)) view.setUint32(0, 0x7ff80000);
  else view.setFloat64(0, value + 0);
  return hashKey(NUMBER_KEY, bytes, 0, 8);
}

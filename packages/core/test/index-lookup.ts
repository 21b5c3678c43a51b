import { decodePlain } from "./plain-decoder.js";

/*
 * Looks values up through a page index as docs/page-index.md says, for tests: written from the document alone, slow and
 * straightforward, and without a line of the package or of its dependencies.
 */

/** A key of a map, or the index of an item. */
export type Step = string | number | boolean | null | Uint8Array;

/** What was found: a node of the table as it is decoded, with maps as Map. For an item of blocks, the block. */
export type Found = { readonly node: unknown } | { readonly block: readonly number[]; readonly nth: number };

interface Page {
  readonly offset: number;
  readonly first: number;
  readonly start: number;
  readonly size: number;
  readonly large: boolean;
  readonly hash: number;
  readonly crc: number;
}

interface Large {
  readonly node: number;
  readonly end: number;
  readonly key: number;
  readonly first: number;
  readonly count: number;
  readonly items: number;
  readonly hash: number;
  readonly level: number;
  readonly kind: number;
  readonly pages: readonly Page[];
}

/** CRC-32, bit by bit. */
export function slowCrc(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

function must(fact: boolean, what: string): void {
  if (!fact) throw new Error(`The index is wrong: ${what}`);
}

/** The hash of a key. */
export function slowHash(key: Step, codec: "msgpack" | "cbor"): number {
  let tag = 4;
  let content: Uint8Array;
  if (typeof key === "string") {
    tag = 1;
    content = new TextEncoder().encode(key);
  } else if (key instanceof Uint8Array) {
    tag = 2;
    content = key;
  } else if (typeof key === "number") {
    tag = 3;
    content = new Uint8Array(8);
    new DataView(content.buffer).setFloat64(0, key === 0 ? 0 : key);
  } else {
    const encoded =
      codec === "cbor" ? { null: 0xf6, false: 0xf4, true: 0xf5 } : { null: 0xc0, false: 0xc2, true: 0xc3 };
    content = Uint8Array.of(encoded[`${key}`]);
  }
  let hash = 0x811c9dc5n;
  for (const byte of [tag, ...content]) hash = ((hash ^ BigInt(byte)) * 0x01000193n) % 2n ** 32n;
  return finish(hash);
}

function finish(value: bigint): number {
  let hash = ((value ^ (value >> 16n)) * 0x85ebca6bn) % 2n ** 32n;
  hash = ((hash ^ (hash >> 13n)) * 0xc2b2ae35n) % 2n ** 32n;
  return Number(hash ^ (hash >> 16n));
}

/** The hash of the path of an entry. */
function slowPathHash(node: number, entry: number): number {
  return finish(BigInt(node) ^ (BigInt(entry) % 2n ** 32n));
}

/** The index of a table, all of it read and checked. */
export class IndexLookup {
  readonly #index: Uint8Array;
  readonly #table: Uint8Array;
  readonly #codec: "msgpack" | "cbor";
  readonly #view: DataView;
  readonly records: readonly Large[];
  readonly #decoded = new Map<Page, unknown[]>();
  /** The pages that hash entries name, by hash. */
  readonly #hashes = new Map<number, Set<number>>();

  constructor(index: Uint8Array, table: Uint8Array, codec: "msgpack" | "cbor", tocStart: number) {
    this.#index = index;
    this.#table = table;
    this.#codec = codec;
    this.#view = new DataView(index.buffer, index.byteOffset, index.length);
    const at = index.length - 64;
    must(new TextDecoder().decode(index.subarray(at, at + 8)) === "PEEKPGIX", "magic");
    must(this.#view.getUint16(at + 8, true) === 1 && this.#view.getUint16(at + 10, true) === 0, "version");
    must(this.#u32(at + 60) === slowCrc(index.subarray(at, at + 60)), "checksum of the footer");
    must(this.#u64(at + 16) === tocStart && this.#u64(at + 24) === table.length, "header's fields");
    must(this.#u64(at + 32) === index.length, "length");
    const root = this.#u64(at + 40);
    const size = this.#u32(at + 48);
    must(root + size === at, "where the root block is");
    must(this.#u32(at + 12) === slowCrc(index.subarray(root, at)), "checksum of the root block");
    const blocks = this.#u32(root);
    const hashCount = this.#u32(root + 4);
    const hashBlocks = Math.ceil(hashCount / 511);
    const samples = root + 32 + blocks * 12;
    const recordsAt = root + Math.ceil((samples - root + Math.ceil(hashBlocks / 64) * 4) / 8) * 8;
    const records = [...this.#records(recordsAt, at)];
    let start = this.#u64(root + 8);
    let last = { hash: -1, node: 0 };
    for (let entry = root + 32; entry < samples; entry += 12) {
      const end = start + this.#u32(entry + 4);
      must(this.#u32(entry + 8) === slowCrc(index.subarray(start, end)), "checksum of a record block");
      const block = [...this.#records(start, end)];
      must(block[0]!.hash === this.#u32(entry), "first hash of a record block");
      must(block[0]!.hash > last.hash, "records of the same hash in two blocks");
      for (const record of block) {
        must(
          record.hash > last.hash || (record.hash === last.hash && record.node > last.node),
          "order of the records",
        );
        last = record;
      }
      records.push(...block);
      start = end;
    }
    must(this.#u32(root + 24) === Math.max(...records.map(({ level }) => level)), "deepest level");
    this.records = records;
    this.#readHashes(this.#u64(root + 16), hashCount, samples);
  }

  #readHashes(hashStart: number, hashCount: number, samples: number): void {
    const counts = this.records.filter(({ kind, pages }) => kind === 0 && pages.length > 1);
    must(hashCount === counts.reduce((sum, { count }) => sum + count, 0), "how many hashes there are");
    let last = [-1, 0];
    for (let block = 0; block < Math.ceil(hashCount / 511); block++) {
      const start = hashStart + block * 4096;
      const end = start + Math.min(511, hashCount - block * 511) * 8;
      must(this.#u32(end) === 0, "end of a hash block");
      const crc = slowCrc(this.#index.subarray(start, end), this.#table.length);
      must(this.#u32(end + 4) === crc, "checksum of a hash block");
      if (block % 64 === 0) must(this.#u32(samples + block / 16) === this.#u32(start), "a hash sample");
      for (let at = start; at < end; at += 8) {
        const entry = [this.#u32(at), this.#u32(at + 4)] as const;
        must(entry[0] > last[0]! || (entry[0] === last[0] && entry[1] >= last[1]!), "order of the hashes");
        last = [...entry];
        this.#hashes.set(entry[0], (this.#hashes.get(entry[0]) ?? new Set()).add(entry[1]));
      }
    }
  }

  #u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  #u64(at: number): number {
    return Number(this.#view.getBigUint64(at, true));
  }

  *#records(from: number, to: number): Generator<Large> {
    let at = from;
    while (at < to) {
      const pageCount = this.#u32(at + 72);
      const pagesAt = at + 96;
      const inline = pageCount <= 128;
      const pages = this.#pages(inline ? pagesAt : this.#u64(at + 64), pageCount);
      let end = pagesAt;
      if (inline) {
        must(this.#u64(at + 64) === 0, "offset of pages in the record");
        end += pageCount * 32;
      } else {
        for (let i = 0; i < pageCount; i += 128, end += 24) {
          must(this.#u64(end) === pages[i]!.first, "first item of a group of pages");
          must(this.#u64(end + 8) === pages[i]!.offset, "offset of a group of pages");
          const start = this.#u64(at + 64) + i * 32;
          const group = this.#index.subarray(start, start + Math.min(128, pageCount - i) * 32);
          must(this.#u32(end + 16) === slowCrc(group), "checksum of a group of pages");
        }
      }
      must(end - at === this.#u32(at + 84), "length of a record");
      const record: Large = {
        node: this.#u64(at),
        end: this.#u64(at + 8),
        key: this.#u64(at + 16),
        first: this.#u64(at + 24),
        count: this.#u64(at + 32),
        items: this.#u64(at + 56),
        hash: this.#u32(at + 76),
        level: this.#view.getUint16(at + 80, true),
        kind: this.#view.getUint8(at + 82),
        pages,
      };
      must(record.end - record.node > 8192, "a node that is not large");
      const head = this.#table.subarray(record.key, record.first);
      must(this.#u32(at + 88) === slowCrc(head), "checksum of a node's head");
      for (const page of pages) {
        const bytes = this.#table.subarray(page.offset, page.offset + page.size);
        must(page.crc === slowCrc(bytes), "checksum of a page");
        must(page.large || page.hash === 0, "hash of a page");
      }
      yield record;
      at = end;
    }
  }

  #pages(start: number, count: number): Page[] {
    return Array.from({ length: count }, (_, i) => {
      const at = start + i * 32;
      const size = this.#u32(at + 24);
      return {
        offset: this.#u32(at),
        hash: this.#u32(at + 4),
        first: this.#u64(at + 8),
        start: this.#u64(at + 16),
        size: size % 2 ** 31,
        large: size >= 2 ** 31,
        crc: this.#u32(at + 28),
      };
    });
  }

  /** Decodes items that lie one after the other. */
  decode(bytes: Uint8Array): unknown[] {
    return decodePlain(bytes, this.#codec);
  }

  /** Finds the node under a path. Undefined if there is none. */
  find(path: readonly Step[]): Found | undefined {
    let large: Large = this.records[0]!;
    for (const [i, step] of path.entries()) {
      const found = large.kind === 0 ? this.#key(large, step) : this.#item(large, step as number);
      if (found === undefined) return undefined;
      if (!("large" in found)) {
        const rest = path.slice(i + 1);
        return "block" in found ? found : descend(found.node, rest);
      }
      large = found.large;
    }
    return { node: this.decode(this.#table.subarray(large.node, large.end))[0] };
  }

  #entries(page: Page): unknown[] {
    let entries = this.#decoded.get(page);
    if (entries === undefined) {
      entries = this.decode(this.#table.subarray(page.offset, page.offset + page.size));
      this.#decoded.set(page, entries);
    }
    return entries;
  }

  #item(large: Large, index: number): Found | { readonly large: Large } | undefined {
    if (index < 0 || index >= large.items) return undefined;
    const page = large.pages.findLast(({ first }) => first <= index)!;
    if (page.large) return { large: this.#child(large, page, index) };
    const entries = this.#entries(page);
    if (large.kind === 1) return { node: entries[index - page.first] };
    let before = page.first;
    for (const block of entries as number[][]) {
      if (index < before + block[0]!) return { block, nth: index - before };
      before += block[0]!;
    }
    throw new Error("The index is wrong: a page lacks an item");
  }

  #child(parent: Large, page: Page, index: number): Large {
    const hash = slowPathHash(parent.hash, index);
    must(page.hash === hash, "hash of a page");
    const child = this.records.find((record) => record.hash === hash && record.key === page.offset);
    if (child === undefined) throw new Error("The index is wrong: a large child has no record");
    must(child.level === parent.level + 1, "level of a large child");
    return child;
  }

  #key(large: Large, key: Step): Found | { readonly large: Large } | undefined {
    const hash = slowPathHash(large.hash, slowHash(key, this.#codec));
    for (const record of this.records) {
      if (record.level !== large.level + 1 || record.hash !== hash) continue;
      if (record.key < large.first || record.key >= large.end) continue;
      must(large.pages.find(({ offset }) => offset === record.key)?.hash === hash, "hash of a page");
      if (same(this.decode(this.#table.subarray(record.key, record.node))[0], key)) return { large: record };
    }
    const { pages } = large;
    const offsets = pages.length === 1 ? [pages[0]!.offset] : (this.#hashes.get(hash) ?? []);
    for (const offset of offsets) {
      if (offset < large.first || offset >= large.end) continue;
      const page = pages.find((one) => one.offset === offset);
      if (page === undefined) throw new Error("The index is wrong: a hash entry names no page");
      if (page.large) continue;
      const entries = this.#entries(page);
      for (let i = 0; i < entries.length; i += 2) if (same(entries[i], key)) return { node: entries[i + 1] };
    }
    return undefined;
  }
}

/** The rest of a path inside a node that was decoded whole. */
function descend(node: unknown, path: readonly Step[]): Found | undefined {
  let at = node;
  for (const step of path) {
    const children = at instanceof Map ? at.get("t") : undefined;
    if (Array.isArray(children)) at = children[step as number];
    else if (children instanceof Map) at = [...children].find(([key]) => same(key, step))?.[1];
    else at = undefined;
    if (at === undefined) return undefined;
  }
  return { node: at };
}

function same(a: unknown, b: Step): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b || (typeof a === "bigint" && Number(a) === b) || (Number.isNaN(a) && Number.isNaN(b));
}

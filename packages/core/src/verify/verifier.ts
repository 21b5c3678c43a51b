import { isPeekpackError, PeekpackError } from "../errors.js";
import { TimeSlice } from "../event-loop.js";
import type { BlockList, Blocks, Branch, TableNode } from "../format/table-view.js";
import type { Archive } from "../reader/archive.js";
import type { ArchiveReader } from "../reader/archive-reader.js";
import { type Entry, nodeOf } from "../reader/entry.js";
import { LazyList, LazyMap } from "../reader/handles.js";
import type { IndexLocation } from "../reader/index-blocks.js";
import { type NodeLocation, sameEntries } from "../reader/lookup.js";
import { type PathKey, type PathSegment, parsePath } from "../reader/path.js";
import { WalkedData } from "../reader/walked-data.js";
import type { Value } from "../values.js";
import { buildPageIndex } from "../writer/build-page-index.js";
import { containerHead } from "./container-head.js";

/** What was found to be in order. */
export interface Verified {
  /** Archives, those inside others included. */
  readonly archives: number;
  /** Values that the tables describe. Each item of a list of blocks counts. */
  readonly values: number;
  /** Bytes that were read and decoded. */
  readonly bytes: number;
  /** Page indexes that were compared with their tables. */
  readonly pageIndexes: number;
}

/**
 * Reads everything at a path, and checks that tables and data agree. Every value fills its span. Every block holds the
 * items that it counts. Between spans there are only heads of containers with the right counts, and the keys of
 * the table. So the data, decoded as a whole, are what the table says. A page index is what the table gives.
 *
 * Memory holds what the archive may cache (`cacheBytes`, `tocCacheBytes`), the tables that have no page index, and a page
 * index while it is compared.
 * @throws PeekpackError with path and offset for the first fault
 */
export async function verifyArchive(
  archive: Archive,
  path: readonly PathSegment[] | string = [],
  signal?: AbortSignal,
): Promise<Verified> {
  const verifier = new Verifier(signal);
  const segments = parsePath(path);
  if (segments.length === 0) {
    await verifier.archive(archive["~location"]().archive, []);
    return verifier;
  }
  const value = await archive.get(segments, { signal });
  // A slice gives a list, which may hold handles.
  for (const part of Array.isArray(value) ? (value as (LazyMap | LazyList | Value)[]) : [value]) {
    if (!(part instanceof LazyMap || part instanceof LazyList)) {
      verifier.values++;
      continue;
    }
    const at = part["~location"]();
    if (isRoot(at)) await verifier.archive(at.archive, segments);
    else await verifier.node(at.archive, at.node, segments);
  }
  return verifier;
}

type Where = readonly unknown[];

/** About so many bytes are read at a time. */
const WINDOW = 1024 * 1024;
/** Child archives that are opened at a time. */
const OPENED = 32;
/** Maximum number of entries between two others that a later entry with the same key has replaced. */
const REPLACED = 1000;

/** A child of a container, with its extent in the data. */
interface Child {
  readonly entry: Entry;
  readonly node: TableNode;
  /** Where it starts and ends in the data. The head of a list of blocks is not included. */
  readonly start: number;
  readonly end: number;
}

class Verifier {
  archives = 0;
  values = 0;
  bytes = 0;
  pageIndexes = 0;
  readonly #signal: AbortSignal | undefined;
  /** The bytes that were read last. */
  #ahead: { readonly archive: ArchiveReader; readonly start: number; readonly bytes: Uint8Array } | undefined;
  /** Positions after the data that are verified. Unknown for an archive of which only a part is. */
  readonly #limits = new WeakMap<ArchiveReader, number>();
  readonly #walked = new WalkedData();
  readonly #slice = new TimeSlice();

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** Checks an archive as a whole: its page index, and that its root covers all of its data. */
  async archive(archive: ArchiveReader, path: Where): Promise<void> {
    this.archives++;
    await this.#pageIndex(archive, path);
    const root = archive.table.root();
    const { tocStart } = archive.header;
    this.#limits.set(archive, tocStart);
    if (root.kind === "blocked") {
      const { first, last } = await this.#blocksExtent(archive, root);
      const head = await this.#read(archive, 0, first);
      if (this.#listHead(archive, root, head) !== head.length || last !== tocStart) {
        throw fault(archive, 0, path, `the blocks do not make up the data of ${tocStart} bytes`);
      }
    } else if (root.kind !== "archive" && root.span !== undefined) {
      const { start, end } = root.span;
      if (start !== 0 || end !== tocStart) {
        throw fault(archive, start, path, `the root covers ${start} to ${end} of data of ${tocStart} bytes`);
      }
    }
    await this.node(archive, root, path);
  }

  /** Checks what a node describes, and everything below. */
  async node(archive: ArchiveReader, node: TableNode, path: Where): Promise<void> {
    if (node.kind === "value") {
      const { start, end } = node.span;
      await this.#at(path, async () => this.#walked.take(archive, end - start));
      await this.#decode(archive, await this.#read(archive, start, end), 1, start, path);
    } else if (node.kind === "blocked") {
      for await (const blocks of archive.table.walkBlocks(node, this.#reading)) {
        await this.#blocks(archive, blocks, path);
      }
    } else if (node.kind === "archive") {
      const child = await this.#at(path, async () => {
        const opened = await archive.child(node, this.#reading);
        this.#walked.take(archive, opened.size);
        return opened;
      });
      await this.archive(child, path);
    } else if (node.span === undefined) {
      await this.#combined(archive, node, path);
    } else {
      await this.#container(archive, node, path);
    }
  }

  /** Compares a page index with the one that the table gives. */
  async #pageIndex(archive: ArchiveReader, path: Where): Promise<void> {
    const { paged } = archive.table;
    if (paged === undefined) return;
    const { source, limits } = archive.context;
    const signal = this.#signal;
    const { bytes } = await this.#at(path, () =>
      buildPageIndex(source, { offset: archive.start, limits, signal }),
    );
    if (!(await this.#at(path, () => this.#isIndex(paged.index, bytes)))) {
      throw new PeekpackError("corrupt", "the page index is not the one that the table gives", {
        section: "toc",
        offset: archive.start + archive.size,
        path,
      });
    }
    this.pageIndexes++;
  }

  /** Whether a page index has exactly these bytes. */
  async #isIndex({ source, start, footer }: IndexLocation, bytes: Uint8Array): Promise<boolean> {
    if (bytes.length !== footer.indexSize) return false;
    for (let at = 0; at < bytes.length; at += WINDOW) {
      const end = Math.min(at + WINDOW, bytes.length);
      const [read] = await source.read([{ start: start + at, end: start + end }], this.#reading);
      for (let i = 0; i < end - at; i++) if (read![i] !== bytes[at + i]) return false;
    }
    return true;
  }

  async #blocks(archive: ArchiveReader, { bounds, before }: Blocks, path: Where): Promise<void> {
    for (let first = 0; first < bounds.length - 1; ) {
      let last = first + 1;
      while (last < bounds.length - 1 && bounds[last + 1]! - bounds[first]! <= WINDOW) last++;
      const start = bounds[first]!;
      const bytes = await this.#read(archive, start, bounds[last]!);
      for (; first < last; first++) {
        const block = bytes.subarray(bounds[first]! - start, bounds[first + 1]! - start);
        await this.#decode(archive, block, before[first + 1]! - before[first]!, bounds[first]!, path);
      }
    }
  }

  /** Child archives, some opened at a time. */
  async #combined(archive: ArchiveReader, node: Branch, path: Where): Promise<void> {
    for await (const window of archive.table.walk(node, {}, this.#reading)) {
      for (let from = 0; from < window.length; from += OPENED) {
        const children = window.slice(from, from + OPENED).map((entry) => {
          const below = [...path, archive.table.key(entry)];
          return { below, child: atOnce(below, () => nodeOf(entry)) };
        });
        // A child that does not open is met again below.
        await Promise.allSettled(
          children.map(({ child }) => child.kind === "archive" && archive.child(child, this.#reading)),
        );
        for (const { below, child } of children) await this.node(archive, child, below);
      }
    }
  }

  /** A map or a list with a span: it holds only its head, its keys and its children. */
  async #container(archive: ArchiveReader, node: Branch, path: Where): Promise<void> {
    const span = node.span!;
    const first = await this.#read(archive, span.start, Math.min(span.start + 9, span.end));
    const head = containerHead(archive, first);
    if (head?.kind !== node.kind) throw fault(archive, span.start, path, `here is no ${node.kind}`);
    const progress = { at: span.start + head.length, entries: 0 };
    for await (const children of this.#inOrder(archive, node, path)) {
      await this.#children(archive, node, children, progress, path);
    }
    const { at, entries } = progress;
    if (head.count < 0) {
      // An indefinite container ends with a break.
      const rest = await this.#read(archive, at, span.end);
      if (rest.length !== 1 || rest[0] !== 0xff) {
        throw fault(archive, at, path, "the container does not end here");
      }
    } else if (head.count !== entries) {
      throw fault(archive, span.start, path, `${head.count} entries in the data, ${entries} in the table`);
    } else if (at !== span.end) {
      throw fault(archive, at, path, `${span.end - at} bytes follow the last entry`);
    }
  }

  /** Some consecutive children. `progress` says where the data after them begin, and how many entries came so far. */
  async #children(
    archive: ArchiveReader,
    node: Branch,
    children: readonly Child[],
    progress: { at: number; entries: number },
    path: Where,
  ): Promise<void> {
    const pathOf = ({ entry }: Child): Where => [...path, archive.table.key(entry)];
    for (let i = 0; i < children.length; ) {
      // Values that follow each other are read together, with the keys between them.
      const inOne = children[i]!.node.kind === "value";
      let end = i + 1;
      while (
        inOne &&
        end < children.length &&
        children[end]!.node.kind === "value" &&
        children[end]!.end - progress.at <= WINDOW
      ) {
        end++;
      }
      const start = progress.at;
      const last = inOne ? children[end - 1]!.end : children[i]!.start;
      if (last < start) throw fault(archive, last, pathOf(children[i]!), OVERLAP);
      const bytes = await this.#read(archive, start, last);
      for (; i < end; i++) {
        const child = children[i]!;
        const below = pathOf(child);
        if (child.start < progress.at) throw fault(archive, child.start, below, OVERLAP);
        const gap = bytes.subarray(progress.at - start, child.start - start);
        progress.entries += 1 + (await this.#gap(archive, node, child, gap, progress.at, below));
        if (inOne) {
          const value = bytes.subarray(child.start - start, child.end - start);
          await this.#decode(archive, value, 1, child.start, below);
        } else {
          await this.node(archive, child.node, below);
        }
        progress.at = child.end;
      }
    }
  }

  /**
   * The children of a container in the order of the data, some at a time. The table has that order, unless keys were
   * written twice: then all children are sorted.
   */
  async *#inOrder(archive: ArchiveReader, node: Branch, path: Where): AsyncGenerator<Child[]> {
    const windows = async function* (verifier: Verifier): AsyncGenerator<Child[]> {
      for await (const window of archive.table.walk(node, {}, verifier.#reading)) {
        const children: Child[] = [];
        for (const entry of window) {
          const below = (): Where => [...path, archive.table.key(entry)];
          const child = atOnce(below, () => nodeOf(entry));
          const extent = await verifier.#extent(archive, child);
          if (extent === undefined) {
            throw fault(archive, node.span!.start, below(), "an archive lies inside a value");
          }
          children.push({ entry, node: child, ...extent });
        }
        yield children;
      }
    };
    if (node.kind === "list" || (await this.#ascends(archive, node))) {
      yield* windows(this);
      return;
    }
    const all: Child[] = [];
    for await (const window of windows(this)) all.push(...window);
    yield all.sort((a, b) => a.start - b.start);
  }

  /** Whether the values of a map have the order of its table. */
  async #ascends(archive: ArchiveReader, node: Branch): Promise<boolean> {
    // A table with a page index has no key twice.
    if (archive.table.paged !== undefined) return true;
    let before = 0;
    for await (const window of archive.table.walk(node, {}, this.#reading)) {
      for (const entry of window) {
        const child = unlessDamaged(() => nodeOf(entry));
        const extent = child && (await this.#extent(archive, child));
        if (extent === undefined) return true;
        if (extent.start < before) return false;
        before = extent.start;
      }
    }
    return true;
  }

  async #extent(
    archive: ArchiveReader,
    node: TableNode,
  ): Promise<{ readonly start: number; readonly end: number } | undefined> {
    if (node.kind === "archive") return undefined;
    if (node.kind !== "blocked") return node.span;
    const { first, last } = await this.#blocksExtent(archive, node);
    return { start: first, end: last };
  }

  async #blocksExtent(
    archive: ArchiveReader,
    node: BlockList,
  ): Promise<{ readonly first: number; readonly last: number }> {
    const { table } = archive;
    const first = await table.blocks(node, 0, 1, this.#reading);
    const last = await table.blocks(node, node.length - 1, node.length, this.#reading);
    return { first: first.bounds[0]!, last: last.bounds.at(-1)! };
  }

  /**
   * Checks what is between the previous child and this one: in a map the key, and before a list of blocks the list's
   * head.
   * @returns how many whole entries are there too: of a duplicate key the table has only the last value
   */
  async #gap(
    archive: ArchiveReader,
    node: Branch,
    child: Child,
    bytes: Uint8Array,
    at: number,
    path: Where,
  ): Promise<number> {
    const head = child.node.kind === "blocked" ? this.#listHead(archive, child.node, bytes) : 0;
    if (head === undefined) {
      throw fault(archive, at, path, "the blocks are not those of a list that begins before them");
    }
    const gap = bytes.subarray(0, bytes.length - head);
    const { table } = archive;
    const wanted = table.keyBytes(child.entry);
    if (wanted === undefined) {
      if (gap.length === 0) return 0;
      throw fault(archive, at, path, `${gap.length} bytes are between this item and the one before`);
    }
    if (gap.length === wanted.length && gap.every((byte, i) => byte === wanted[i])) return 0;
    for (let replaced = 0; replaced <= REPLACED && replaced * 2 < gap.length; replaced++) {
      const keys = this.#keysIn(archive, gap, replaced, at);
      if (keys === undefined || !sameBytes(keys.at(-1)!, wanted)) continue;
      const known = await Promise.all(
        keys.slice(0, -1).map((key) => table.indexOf(node, archive.decodePlain(key) as PathKey)),
      );
      if (known.every((index) => index >= 0)) return replaced;
    }
    throw fault(archive, at, path, "the data have another key here than the table");
  }

  /** The keys of some whole entries and of one more key that fill some bytes. Undefined if they do not. */
  #keysIn(archive: ArchiveReader, bytes: Uint8Array, entries: number, at: number): Uint8Array[] | undefined {
    try {
      archive.check(bytes, entries * 2 + 1, at);
    } catch (error) {
      if (isPeekpackError(error)) return undefined;
      throw error;
    }
    const cursor = archive.cursor(bytes);
    const keys: Uint8Array[] = [];
    for (let i = 0, offset = 0; i <= entries; i++) {
      const end = cursor.skip(offset);
      keys.push(bytes.subarray(offset, end));
      offset = i < entries ? cursor.skip(end) : end;
    }
    return keys;
  }

  /** How many bytes at the end of some are the head of a list of blocks. Undefined if it is not there. */
  #listHead(archive: ArchiveReader, node: BlockList, bytes: Uint8Array): number | undefined {
    return [1, 2, 3, 5, 9].find((length) => {
      const head = length <= bytes.length && containerHead(archive, bytes.subarray(bytes.length - length));
      return head && head.kind === "list" && head.length === length && head.count === node.length;
    });
  }

  get #reading(): { readonly signal: AbortSignal | undefined } {
    return { signal: this.#signal };
  }

  /** Reads bytes of the data. What follows them is read too, as far as it is verified: containers nest in small steps. */
  async #read(archive: ArchiveReader, start: number, end: number): Promise<Uint8Array> {
    this.bytes += end - start;
    const ahead = this.#ahead;
    if (ahead?.archive === archive && ahead.start <= start && end <= ahead.start + ahead.bytes.length) {
      return ahead.bytes.subarray(start - ahead.start, end - ahead.start);
    }
    const limit = Math.min(start + WINDOW, this.#limits.get(archive) ?? end);
    const [bytes] = await archive.read([{ start, end: Math.max(end, limit) }], this.#reading);
    this.#ahead = { archive, start, bytes: bytes! };
    return bytes!.subarray(0, end - start);
  }

  async #decode(
    archive: ArchiveReader,
    bytes: Uint8Array,
    count: number,
    at: number,
    path: Where,
  ): Promise<void> {
    await this.#slice.next(this.#signal);
    await this.#at(path, () => archive.decode(bytes, count, at));
    this.values += count;
  }

  async #at<T>(path: Where, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw withPath(error, path);
    }
  }
}

const OVERLAP = "this overlaps with what precedes it";

function isRoot({ archive, node }: NodeLocation): boolean {
  return sameEntries(node, archive.table.root());
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function unlessDamaged<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isPeekpackError(error)) return undefined;
    throw error;
  }
}

function atOnce<T>(path: Where | (() => Where), work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw withPath(error, typeof path === "function" ? path() : path);
  }
}

/** `at` counts from where the data of the archive start. */
function fault(archive: ArchiveReader, at: number, path: Where, text: string): PeekpackError {
  return new PeekpackError("corrupt", text, { section: "data", offset: archive.origin + at, path });
}

function withPath(error: unknown, path: Where): unknown {
  if (!isPeekpackError(error) || error.path !== undefined) return error;
  const { code, message, section, offset, cause } = error;
  return new PeekpackError(code, message, { section, offset, path, cause });
}

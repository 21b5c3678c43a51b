import {
  type Archive,
  isPeekpackError,
  LazyList,
  LazyMap,
  type PathKey,
  PeekpackError,
  type Value,
} from "@peekpack/core";
import { shortJson, type Writable } from "./json-text.js";
import {
  childrenOf,
  containerHead,
  isRoot,
  placeInTable,
  type TableBranch,
  type TableChildren,
  type TableCore,
  type TableNode,
} from "./table.js";

/** What was found in order. */
export interface Verified {
  /** Archives, those inside others included. */
  readonly archives: number;
  /** Values that the tables point at, each item of a list of blocks counted. */
  readonly values: number;
  /** Bytes that were read and decoded. */
  readonly bytes: number;
}

/**
 * Reads everything at a path, and checks that tables and data agree: every value fills its span, and every block holds
 * the items that it counts; and between the spans lies nothing but the heads of containers with the right counts and the keys of
 * the table. So the data, decoded as a whole, is what the table says. Memory stays at a few MiB and the tables.
 *
 * @throws PeekpackError with path and offset for the first fault
 */
export async function verifyAt(
  archive: Archive,
  path: readonly PathKey[],
  signal?: AbortSignal,
): Promise<Verified> {
  const verifier = new Verifier(signal);
  if (path.length === 0) {
    await verifier.archive(placeInTable(archive).core, []);
    return verifier;
  }
  const value = await archive.get(path, { signal });
  // A slice gives a list, and handles in it.
  for (const part of Array.isArray(value) ? (value as Writable[]) : [value]) {
    if (!(part instanceof LazyMap || part instanceof LazyList)) {
      verifier.values++;
      continue;
    }
    const place = placeInTable(part);
    if (isRoot(place)) await verifier.archive(place.core, path);
    else await verifier.node(place.core, place.node, path);
  }
  return verifier;
}

type Where = readonly unknown[];

/** Bytes that are read at a time, about. */
const WINDOW = 1024 * 1024;
/** Child archives that are opened at a time. */
const OPENED = 32;
/** Most entries between two others that a later one of the same key has replaced. */
const REPLACED = 1000;

class Verifier {
  archives = 0;
  values = 0;
  bytes = 0;
  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** Checks an archive as a whole: its root covers all of its data. */
  async archive(core: TableCore, path: Where): Promise<void> {
    this.archives++;
    const root = core.toc.root();
    const { tocStart } = core.header;
    if (root.kind === "blocked") {
      const { bounds } = root.blocks;
      const head = await this.#read(core, 0, bounds[0]!);
      if (this.#listHead(core, root, head) !== head.length || bounds.at(-1) !== tocStart) {
        throw fault(core, 0, path, `the blocks do not make up the data of ${tocStart} bytes`);
      }
    } else if (root.kind !== "archive" && root.span !== undefined) {
      const { start, end } = root.span;
      if (start !== 0 || end !== tocStart) {
        throw fault(core, start, path, `the root covers ${start} to ${end} of data of ${tocStart} bytes`);
      }
    }
    await this.node(core, root, path);
  }

  /** Checks what a node stands for, and everything below. */
  async node(core: TableCore, node: TableNode, path: Where): Promise<void> {
    if (node.kind === "value") {
      const { start, end } = node.span;
      await this.#decode(core, await this.#read(core, start, end), 1, start, path);
    } else if (node.kind === "blocked") {
      await this.#blocks(core, node, path);
    } else if (node.kind === "archive") {
      await this.archive(await this.#at(path, () => core.child(node.offset, this.#reading)), path);
    } else if (node.span === undefined) {
      await this.#combination(core, node, path);
    } else {
      await this.#container(core, node, path);
    }
  }

  async #blocks(core: TableCore, node: TableNode & { kind: "blocked" }, path: Where): Promise<void> {
    const { bounds, before } = node.blocks;
    for (let first = 0; first < bounds.length - 1; ) {
      let last = first + 1;
      while (last < bounds.length - 1 && bounds[last + 1]! - bounds[first]! <= WINDOW) last++;
      const start = bounds[first]!;
      const bytes = await this.#read(core, start, bounds[last]!);
      for (; first < last; first++) {
        const block = bytes.subarray(bounds[first]! - start, bounds[first + 1]! - start);
        await this.#decode(core, block, before[first + 1]! - before[first]!, bounds[first]!, path);
      }
    }
  }

  /** Child archives, some opened at a time. */
  async #combination(core: TableCore, node: TableBranch, path: Where): Promise<void> {
    const all = childrenOf(core, node);
    for (let from = 0; from < all.size; from += OPENED) {
      const children = Array.from({ length: Math.min(OPENED, all.size - from) }, (_, i) => {
        const below = [...path, all.key(from + i)];
        return { below, child: this.#atOnce(below, () => all.node(from + i)) };
      });
      // A child that does not open is met again, in its turn.
      await Promise.allSettled(
        children.map(({ child }) => child.kind === "archive" && core.child(child.offset, this.#reading)),
      );
      for (const { below, child } of children) await this.node(core, child, below);
    }
  }

  /** A map or a list with a span: nothing lies in it but its head, its keys and its children. */
  async #container(core: TableCore, node: TableBranch, path: Where): Promise<void> {
    const span = node.span!;
    const head = containerHead(core, await this.#read(core, span.start, Math.min(span.start + 9, span.end)));
    if (head?.kind !== node.kind) throw fault(core, span.start, path, `here is no ${node.kind}`);
    const table = childrenOf(core, node);
    const children = this.#inOrder(core, node, table, path);
    let at = span.start + head.length;
    let replaced = 0;
    for (let i = 0; i < children.length; ) {
      // Values that follow each other are read together, with the keys between them.
      let end = i + 1;
      if (children[i]!.node.kind === "value") {
        while (
          end < children.length &&
          children[end]!.node.kind === "value" &&
          children[end]!.end - at <= WINDOW
        ) {
          end++;
        }
      }
      const inOne = children[i]!.node.kind === "value";
      const start = at;
      const last = inOne ? children[end - 1]!.end : children[i]!.start;
      if (last < start)
        throw fault(core, last, children[i]!.path(), "this overlaps with what lies before it");
      const bytes = await this.#read(core, start, last);
      for (; i < end; i++) {
        const child = children[i]!;
        const below = child.path();
        if (child.start < at) throw fault(core, child.start, below, "this overlaps with what lies before it");
        const gap = bytes.subarray(at - start, child.start - start);
        replaced += this.#gap(core, table, child, gap, at, below);
        if (inOne) {
          await this.#decode(
            core,
            bytes.subarray(child.start - start, child.end - start),
            1,
            child.start,
            below,
          );
        } else {
          await this.node(core, child.node, below);
        }
        at = child.end;
      }
    }
    const count = children.length + replaced;
    if (head.count < 0) {
      // An indefinite container ends with a break.
      const rest = await this.#read(core, at, span.end);
      if (rest.length !== 1 || rest[0] !== 0xff)
        throw fault(core, at, path, "the container does not end here");
    } else if (head.count !== count) {
      throw fault(core, span.start, path, `${head.count} entries in the data, ${count} in the table`);
    } else if (at !== span.end) {
      throw fault(core, at, path, `${span.end - at} bytes are left behind the last entry`);
    }
  }

  /** The children of a container in the order of the data. */
  #inOrder(core: TableCore, node: TableBranch, table: TableChildren, path: Where): Child[] {
    const children = Array.from({ length: table.size }, (_, index): Child => {
      const below = (): Where => [...path, table.key(index)];
      const child = this.#atOnce(below, () => table.node(index));
      const { start, end } = extent(child) ?? { start: -1, end: -1 };
      if (start < 0) throw fault(core, node.span!.start, below(), "an archive lies inside a value");
      return { index, node: child, start, end, path: below };
    });
    const ordered = children.every((child, i) => i === 0 || child.start >= children[i - 1]!.start);
    return ordered ? children : children.sort((a, b) => a.start - b.start);
  }

  /**
   * Checks what lies between the previous child and this one: in a map the key, and before a list of blocks the list's head.
   * @returns how many whole entries lie there too: a key that stands twice has only its last value in the table
   */
  #gap(
    core: TableCore,
    table: TableChildren,
    child: Child,
    bytes: Uint8Array,
    at: number,
    path: Where,
  ): number {
    const blocked = child.node.kind === "blocked" ? child.node : undefined;
    const head = blocked === undefined ? 0 : this.#listHead(core, blocked, bytes);
    if (head === undefined)
      throw fault(core, at, path, "the blocks are not those of a list that begins before them");
    const gap = bytes.subarray(0, bytes.length - head);
    const wanted = table.keyBytes(child.index);
    if (wanted === undefined) {
      if (gap.length === 0) return 0;
      throw fault(core, at, path, `${gap.length} bytes lie between this item and the one before`);
    }
    if (gap.length === wanted.length && Buffer.compare(gap, wanted) === 0) return 0;
    for (let replaced = 0; replaced <= REPLACED && replaced * 2 < gap.length; replaced++) {
      const items = this.#split(core, gap, replaced * 2 + 1, at);
      if (items === undefined) continue;
      const keys = new Set(Array.from({ length: table.size }, (_, i) => note(table.key(i))));
      const names = items.filter((_, i) => i % 2 === 0).map(note);
      if (names.at(-1) === note(table.key(child.index)) && names.every((name) => keys.has(name))) {
        return replaced;
      }
    }
    throw fault(core, at, path, "the data has another key here than the table");
  }

  /** The items that fill some bytes, if there are exactly so many. */
  #split(core: TableCore, bytes: Uint8Array, count: number, at: number): Value[] | undefined {
    try {
      core.check(bytes, count, at);
    } catch (error) {
      if (isPeekpackError(error)) return undefined;
      throw error;
    }
    const cursor = core.cursor(bytes);
    let place = 0;
    return Array.from({ length: count }, () => {
      const start = place;
      place = cursor.skip(start);
      return core.decodePlain(bytes.subarray(start, place));
    });
  }

  /** How many bytes at the end of some are the head of a list of blocks; undefined where it is not there. */
  #listHead(
    core: TableCore,
    { blocks }: TableNode & { kind: "blocked" },
    bytes: Uint8Array,
  ): number | undefined {
    return [1, 2, 3, 5, 9].find((length) => {
      const head = length <= bytes.length && containerHead(core, bytes.subarray(bytes.length - length));
      return head && head.kind === "list" && head.length === length && head.count === blocks.length;
    });
  }

  get #reading(): { readonly signal: AbortSignal | undefined } {
    return { signal: this.#signal };
  }

  async #read(core: TableCore, start: number, end: number): Promise<Uint8Array> {
    const [bytes] = await core.read([{ start, end }], this.#reading);
    this.bytes += end - start;
    return bytes!;
  }

  async #decode(core: TableCore, bytes: Uint8Array, count: number, at: number, path: Where): Promise<void> {
    await this.#at(path, () => core.decode(bytes, count, at));
    this.values += count;
  }

  async #at<T>(path: Where, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw withPath(error, path);
    }
  }

  #atOnce<T>(path: Where | (() => Where), work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw withPath(error, typeof path === "function" ? path() : path);
    }
  }
}

interface Child {
  readonly index: number;
  readonly node: TableNode;
  /** Where it starts and ends in the data; of a list of blocks without its head. */
  readonly start: number;
  readonly end: number;
  /** Made when it is needed. */
  readonly path: () => Where;
}

function extent(node: TableNode): { readonly start: number; readonly end: number } | undefined {
  if (node.kind === "blocked") return { start: node.blocks.bounds[0]!, end: node.blocks.bounds.at(-1)! };
  return node.kind === "archive" ? undefined : node.span;
}

const note = (key: Value): string => shortJson(key, { tagged: true });

/** `at` counts from where the data of the archive starts. */
function fault(core: TableCore, at: number, path: Where, text: string): PeekpackError {
  return new PeekpackError("corrupt", text, { section: "data", offset: core.origin + at, path });
}

function withPath(error: unknown, path: Where): unknown {
  if (!isPeekpackError(error) || error.path !== undefined) return error;
  const { code, message, section, offset, cause } = error;
  return new PeekpackError(code, message, { section, offset, path, cause });
}

import { TimeSlice } from "../event-loop.js";
import type { Item } from "../format/cursor.js";
import { isTextKey, KeyTable } from "../format/key-table.js";
import {
  type BlockList,
  type Blocks,
  type Branch,
  type TableEntries,
  type TableNode,
  TableView,
} from "../format/table-view.js";
import type { ByteLru } from "../lru.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { Entry, EntryRange } from "./entry.js";
import type { PagedLookups } from "./paged-lookups.js";
import type { PathKey } from "./path.js";
import { sameKey } from "./same-key.js";

/** Maps of at most this many entries are searched without a hash table, unless they take more bytes of the table. */
const FEW = 16;
const SHORT = 4096;
/** The keys of larger maps are read in slices. */
const MANY = 16_384;
/** Entries that a walk gives at once. */
const WINDOW = 1024;

/** A large map whose keys are being read, by all who wait for them. */
interface SharedReading {
  readonly keys: KeyTable;
  readonly slice: TimeSlice;
  users: number;
  /** Gives the keys, or throws what was wrong with them. */
  result?: () => KeyTable;
}

/**
 * The table of contents of one archive. It is in memory as a whole, or is fetched page by page through its page index.
 * Methods that return `T | Promise<T>` return a promise only if a page must be fetched.
 */
export class Table {
  readonly #whole: TableView | undefined;
  readonly paged: PagedLookups | undefined;
  readonly #memory: ByteLru<string, object>;
  readonly #id: string;
  readonly #decodeKey: (bytes: Uint8Array) => Value;
  readonly #readings = new Map<string, SharedReading>();

  /**
   * @param memory keeps what lookups learn, for all archives of a reader
   * @param id tells this table from the others that share the memory
   */
  constructor(
    of: TableView | PagedLookups,
    memory: ByteLru<string, object>,
    id: string,
    decodeKey: (bytes: Uint8Array) => Value,
  ) {
    if (of instanceof TableView) this.#whole = of;
    else this.paged = of;
    this.#memory = memory;
    this.#id = id;
    this.#decodeKey = decodeKey;
  }

  /** The table's bytes, if they are in memory as a whole. */
  get bytes(): Uint8Array | undefined {
    return this.#whole?.bytes;
  }

  /** The root node. @throws PeekpackError `corrupt` */
  root(): TableNode {
    const whole = this.#whole;
    return whole === undefined ? this.paged!.root() : whole.node({ offset: 0, bounds: whole.bounds });
  }

  /** How many distinct entries a node has: duplicate keys count once. */
  size(node: Branch): number {
    return node.kind === "list" || !("view" in node.entries)
      ? node.count
      : this.#keys(node.entries, node).size;
  }

  /** The key of an entry. It is the index in a list. */
  key({ view, key, index }: Entry): Value {
    return key < 0 ? index : this.#decodeKey(view.bytes.subarray(key, view.cursor.skip(key)));
  }

  /** The encoding of an entry's key: a view. Undefined in a list. */
  keyBytes({ view, key }: Entry): Uint8Array | undefined {
    return key < 0 ? undefined : view.bytes.subarray(key, view.cursor.skip(key));
  }

  /**
   * The node under a key of a map. Numbers and bigints are compared by value, byte strings by content.
   * @param exact whether a page index is searched without shortcuts, see {@link PagedLookups.find}
   */
  find(
    node: Branch,
    key: PathKey,
    options?: ReadOptions,
    exact = false,
  ): TableNode | undefined | Promise<TableNode | undefined> {
    const { entries } = node;
    if (!("view" in entries)) return this.paged!.find(node, key, options, exact);
    const { view } = entries;
    const located = (offset: number): TableNode | undefined =>
      offset < 0 ? undefined : view.node({ offset, bounds: view.within(node) });
    if (typeof key !== "string") return located(this.#scan(entries, node, key));
    const keys = this.#isKept(node) ? this.learn(node, options) : undefined;
    return keys instanceof Promise
      ? keys.then((table) => located(this.#findText(entries, node, key, table)))
      : located(this.#findText(entries, node, key));
  }

  /**
   * Reads the keys of a large map. Other work runs meanwhile.
   * @returns undefined if they are few or known
   */
  learn(node: Branch, options?: ReadOptions): undefined | Promise<KeyTable> {
    const { entries } = node;
    if (node.kind === "list" || node.count <= MANY || !("view" in entries)) return undefined;
    const name = this.#name(entries);
    return this.#memory.get(name) === undefined
      ? this.#readKeys(name, entries, node, options?.signal)
      : undefined;
  }

  /** The index of the entry under a key of a map. −1 if there is none. */
  async indexOf(node: Branch, key: PathKey, options?: ReadOptions): Promise<number> {
    const { entries } = node;
    if (!("view" in entries)) return this.paged!.indexOf(node, key, options);
    const keys = (await this.learn(node, options)) ?? this.#keys(entries, node);
    const offset =
      typeof key === "string" ? this.#findText(entries, node, key, keys) : this.#scan(entries, node, key);
    return offset < 0 ? -1 : keys.nodes.indexOf(offset);
  }

  /**
   * The item of a list at an index that is in range.
   * @param exact see {@link PagedLookups.items}
   */
  item(node: Branch, index: number, options?: ReadOptions, exact?: boolean): TableNode | Promise<TableNode> {
    const { entries } = node;
    if (!("view" in entries)) {
      return this.paged!.items(node, [index], options, exact).then(([item]) => item!);
    }
    const { view } = entries;
    const bounds = view.within(node);
    if (!this.#isKept(node)) return view.node(view.nth({ ...node, entries }, index));
    return view.node({ offset: this.#offsets(entries, node)[index]!, bounds });
  }

  /** Walks over entries in order, some at a time. Pages are fetched shortly before they are needed. */
  async *walk(node: Branch, range: EntryRange = {}, options?: ReadOptions): AsyncGenerator<Entry[]> {
    const { entries } = node;
    const slice = new TimeSlice();
    if (!("view" in entries)) {
      for await (const window of this.paged!.walk(node, range, options)) {
        yield window;
        await slice.next(options?.signal);
      }
      return;
    }
    const { view } = entries;
    const bounds = view.within(node);
    const isMap = node.kind === "map";
    // Held for the whole walk: the memory may not keep it.
    const keys = isMap ? ((await this.learn(node, options)) ?? this.#keys(entries, node)) : undefined;
    const offsets = keys?.nodes ?? this.#offsets(entries, node);
    const end = Math.min(keys?.size ?? node.count, range.end ?? Number.POSITIVE_INFINITY);
    for (let from = range.start ?? 0; from < end; from += WINDOW) {
      const window: Entry[] = [];
      for (let index = from; index < Math.min(end, from + WINDOW); index++) {
        window.push({ index, view, key: keys?.keys[index] ?? -1, at: { offset: offsets[index]!, bounds } });
      }
      yield window;
      await slice.next(options?.signal);
    }
  }

  /** The nodes at some indices of a list, in the order given. */
  async items(node: Branch, indices: readonly number[], options?: ReadOptions): Promise<TableNode[]> {
    const { entries } = node;
    if (!("view" in entries)) return this.paged!.items(node, indices, options);
    const offsets = this.#offsets(entries, node);
    const bounds = entries.view.within(node);
    const slice = new TimeSlice();
    const nodes: TableNode[] = [];
    for (const index of indices) {
      nodes.push(entries.view.node({ offset: offsets[index]!, bounds }));
      if (nodes.length % WINDOW === 0) await slice.next(options?.signal);
    }
    return nodes;
  }

  /** The blocks of a list that hold some of its items. */
  blocks(node: BlockList, start: number, end: number, options?: ReadOptions): Blocks | Promise<Blocks> {
    return "before" in node.blocks ? node.blocks : this.paged!.blocks(node, start, end, options);
  }

  /** Walks over all blocks of a list, some at a time. */
  async *walkBlocks(node: BlockList, options?: ReadOptions): AsyncGenerator<Blocks> {
    if ("before" in node.blocks) yield node.blocks;
    else yield* this.paged!.walkBlocks(node, 0, options);
  }

  /** Memory that the table holds for good, in bytes. */
  get byteLength(): number {
    // Root block and footer of a page index, and what was decoded of them.
    return this.#whole?.bytes.length ?? this.paged!.index.bytes.length * 2;
  }

  /** Positions of the archives that are children of the root, ascending. None for a table that is fetched in pages. */
  archiveOffsets(): Float64Array {
    const root = this.root();
    if (!("entries" in root && "view" in root.entries)) return new Float64Array(0);
    const { entries } = root;
    const nodes = root.kind === "map" ? this.#keys(entries, root).nodes : this.#offsets(entries, root);
    const offsets = Float64Array.from(
      nodes,
      (offset) => entries.view.archiveOffset(offset) ?? Number.POSITIVE_INFINITY,
    );
    return offsets.sort();
  }

  /** Whether what is learned of a node's entries is kept. */
  #isKept(node: Branch): boolean {
    const bytes = node.kind === "map" ? KeyTable.maxBytes(node.count) : node.count * 4 + 128;
    return bytes <= this.#memory.maxBytes;
  }

  #findText(entries: TableEntries, node: Branch, key: string, keys?: KeyTable): number {
    if (!isUnicode(key)) return -1;
    const bytes = new TextEncoder().encode(key);
    const { cursor } = entries.view;
    const { first } = entries;
    const known = keys ?? (this.#memory.get(this.#name(entries)) as KeyTable | undefined);
    const table = known ?? (node.count > FEW && this.#isKept(node) ? this.#keys(entries, node) : undefined);
    if (table !== undefined) return table.nodes[table.find(cursor, bytes)] ?? -1;
    let last = first;
    const found = lastNode(entries, node, (at) => {
      last = at;
      return isTextKey(cursor, at, bytes);
    });
    // A few entries that take many bytes: the next lookup does not skip them again.
    if (last - first > SHORT && this.#isKept(node)) this.#keys(entries, node);
    return found;
  }

  #scan(entries: TableEntries, node: Branch, key: PathKey): number {
    const { cursor, bytes } = entries.view;
    const item: Item = { kind: "other", value: 0 };
    return lastNode(entries, node, (at) => {
      cursor.head(at, item);
      return item.kind !== "text" && sameKey(this.#decodeKey(bytes.subarray(at, cursor.skip(at))), key);
    });
  }

  #keys(entries: TableEntries, node: Branch): KeyTable {
    return this.#learn(entries, () => {
      const keys = new KeyTable(entries.first, node.count);
      keys.read(entries.view, node.count);
      return keys;
    });
  }

  /** Reads keys in slices, together with all who ask for them meanwhile. */
  async #readKeys(
    name: string,
    entries: TableEntries,
    node: Branch,
    signal: AbortSignal | undefined,
  ): Promise<KeyTable> {
    let reading = this.#readings.get(name);
    if (reading === undefined) {
      const keys = new KeyTable(entries.first, node.count);
      reading = { keys, slice: new TimeSlice(), users: 0 };
      this.#readings.set(name, reading);
    }
    reading.users++;
    try {
      for (;;) {
        await reading.slice.next(signal);
        if (reading.result !== undefined) return reading.result();
        try {
          const { keys } = reading;
          if (keys.read(entries.view, WINDOW)) reading.result = () => this.#learn(entries, () => keys);
        } catch (error) {
          reading.result = () => {
            throw error;
          };
        }
      }
    } finally {
      if (--reading.users === 0) this.#readings.delete(name);
    }
  }

  #offsets({ view, first }: TableEntries, node: Branch): Uint32Array {
    return this.#learn({ view, first }, () => {
      const offsets = new Uint32Array(node.count);
      let at = first;
      for (let i = 0; i < offsets.length; i++) {
        offsets[i] = at;
        if (i + 1 < offsets.length) at = view.skip(at);
      }
      return offsets;
    });
  }

  /** Offsets count from the start of the view: the same node in a page and in the whole table has two names. */
  #name({ view, first }: TableEntries): string {
    return `${this.#id}:${view.base}:${first}`;
  }

  #learn<T extends KeyTable | Uint32Array>({ view, first }: TableEntries, read: () => T): T {
    const name = this.#name({ view, first });
    const known = this.#memory.get(name) as T | undefined;
    if (known !== undefined) return known;
    const learned = read();
    this.#memory.set(name, learned, learned.byteLength + name.length + 128);
    return learned;
  }
}

/** The offset of the last node whose key fits, −1 if there is none: a duplicate key has its last value. */
function lastNode({ view, first }: TableEntries, node: Branch, fits: (key: number) => boolean): number {
  let found = -1;
  let at = first;
  for (let left = node.count; left > 0; left--) {
    const offset = view.skip(at);
    if (fits(at)) found = offset;
    // The last node is not skipped: in a chain of nodes that would take quadratic time.
    if (left > 1) at = view.skip(offset);
  }
  return found;
}

/** Whether a text can be a key. A lone surrogate has no UTF-8, and TextEncoder would replace it. */
export function isUnicode(text: string): boolean {
  return !/\p{Cs}/u.test(text);
}

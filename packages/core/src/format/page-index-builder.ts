import { CborWalker } from "../codec/cbor-walker.js";
import { MsgpackWalker } from "../codec/msgpack-walker.js";
import { PeekpackError } from "../errors.js";
import type { Protocol } from "./header.js";
import { PAGE_BYTES, pathHash } from "./page-index.js";
import { type HashRun, type HashSpill, mergeRuns, spillRun } from "./page-index-hash-runs.js";
import { HashEntries, MapHashes } from "./page-index-hashes.js";
import { KeyReader } from "./page-index-key.js";
import {
  type IndexedNode,
  type PageIndex,
  pageIndex,
  spilledChunks,
  type TocPlace,
} from "./page-index-layout.js";
import { indexedNode, OpenNode } from "./page-index-open-node.js";
import { PageRuns } from "./page-index-runs.js";
import { SmallNodeReader } from "./page-index-small-node.js";
import { BEYOND, MALFORMED, type TableWalker, WALKER_MARGIN } from "./page-index-walker.js";

/** Bytes that are buffered at first. */
const BUFFER = 256 * 1024;
/** What must be there after a key: whether the node that follows is large shows within a page. */
const LOOK_AHEAD = PAGE_BYTES + WALKER_MARGIN;
/** Hash entries from which on they are spilled. */
const RUN_ENTRIES = 256 * 1024;
/** Why a table with a duplicate key has no index. */
const SAME_KEY = "a map holds the same key twice";

/** How a table is read. */
export interface TableTraits {
  readonly protocol: Protocol;
  /** The header's first field: where the table starts. */
  readonly tocStart: number;
  /** Limit for the nesting of nodes. */
  readonly maxDepth: number;
  /** Hash entries from which on they are spilled, if there is a spill. Tests make it small. */
  readonly runEntries?: number | undefined;
}

/**
 * Makes the page index of a table from its bytes, in one pass.
 *
 * A node is looked through up to the length of a page before it is read. If it ends there it is small, and nothing is kept
 * of it. So everything that is open is large, and memory is 12 bytes for each key of a large map, three times that while they
 * are sorted. With a spill it is a few MiB, and 32 KiB for each quarter of a million keys.
 */
export class PageIndexBuilder {
  readonly #walker: TableWalker;
  readonly #small: SmallNodeReader;
  readonly #key: KeyReader;
  readonly #traits: TableTraits;
  #buffer = new Uint8Array(BUFFER + WALKER_MARGIN);
  /** Table offset of the buffer's first byte. All else are offsets in the buffer. */
  #base = 0;
  /** Where the next item starts. Beyond `#end` while content is skipped. */
  #at = 0;
  #end = 0;
  /** Bytes that the next step needs. */
  #need = LOOK_AHEAD;
  /** Whether no bytes follow. */
  #final = false;
  #size = 0;
  #started = false;
  #node: OpenNode | undefined;
  readonly #done: IndexedNode[] = [];
  readonly #hashes = new HashEntries();
  readonly #spilled: HashRun[] = [];
  #reason: string | undefined;
  readonly #runs = new PageRuns(this.#buffer);
  /** Items that are left to skip, and those outside of open items of indefinite length. */
  #left = 0;
  readonly #outside: number[] = [];

  constructor(traits: TableTraits) {
    this.#traits = traits;
    this.#walker = traits.protocol === "cbor" ? new CborWalker() : new MsgpackWalker();
    this.#walker.attach(this.#buffer);
    this.#small = new SmallNodeReader(this.#walker, traits.tocStart);
    this.#key = new KeyReader(this.#walker);
  }

  /** Why there is no index, after `finish` has returned undefined. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /**
   * Takes the next bytes of the table.
   * @throws PeekpackError `corrupt` if they are not a table, `limit` if its nodes nest too deep
   */
  write(chunk: Uint8Array): void {
    this.#size += chunk.length;
    if (this.#size >= 2 ** 32) this.#giveUp("the table has 4 GiB or more");
    for (let from = 0; from < chunk.length && this.#reason === undefined; ) {
      this.#makeRoom();
      const count = Math.min(chunk.length - from, this.#buffer.length - WALKER_MARGIN - this.#end);
      this.#buffer.set(chunk.subarray(from, from + count), this.#end);
      this.#end += count;
      from += count;
      while (this.#end - this.#at >= this.#need && this.#step());
      if (this.#started && this.#node === undefined && this.#reason === undefined && this.#at < this.#end) {
        throw this.#damaged("bytes follow the root");
      }
    }
  }

  /**
   * Ends the table, of which nothing was spilled. Returns its index; undefined if it can have none.
   * @throws PeekpackError `corrupt`, `limit`
   */
  finish(): PageIndex | undefined {
    this.#readRest();
    if (this.#reason !== undefined) return undefined;
    const hashes = this.#hashes.blocks(this.#size);
    if (hashes === undefined) this.#giveUp(SAME_KEY);
    else return pageIndex(this.#done, hashes, this.#place());
  }

  /**
   * Ends the table, as `finish` does. Returns the chunks of its index; none if it can have none.
   * @throws PeekpackError `corrupt`, `limit`; what the spill rejects with
   */
  async finishSpilled(spill: HashSpill): Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array>> {
    if (this.#spilled.length === 0) return this.finish()?.chunks() ?? [];
    this.#readRest();
    if (this.#reason !== undefined) return [];
    while (this.#hashes.count > 0) this.#spilled.push(await spillRun(this.#hashes, spill));
    const hashes = await mergeRuns(this.#spilled, spill, this.#size);
    if (hashes !== undefined) return spilledChunks(this.#done, hashes, this.#place(), spill);
    this.#giveUp(SAME_KEY);
    return [];
  }

  /** Spills hashes if they take more than a few MiB. To be called between writes. */
  async spill(spill: HashSpill): Promise<void> {
    const { runEntries = RUN_ENTRIES } = this.#traits;
    while (this.#hashes.count >= runEntries) this.#spilled.push(await spillRun(this.#hashes, spill));
  }

  /** Reads what is in the buffer, up to the end of the table. */
  #readRest(): void {
    this.#final = true;
    // What is read after the end is zeros, and is then found to be too much.
    this.#buffer.fill(0, this.#end, this.#end + WALKER_MARGIN);
    while (this.#reason === undefined && !(this.#started && this.#node === undefined)) this.#step();
    if (this.#reason === undefined && this.#at !== this.#end) throw this.#damaged("bytes follow the root");
    if (this.#reason === undefined && this.#done.length === 0) {
      this.#giveUp(`the table has no more than ${PAGE_BYTES} bytes`);
    }
  }

  #place(): TocPlace {
    return { tocStart: this.#traits.tocStart, tocSize: this.#size };
  }

  #giveUp(reason: string): void {
    this.#reason = reason;
    this.#node = undefined;
    this.#done.length = 0;
  }

  #damaged(what: string): PeekpackError {
    return this.#small.damaged(what, this.#at);
  }

  /** Lets go of the bytes that were read, and widens the buffer if an item does not fit it. */
  #makeRoom(): void {
    const capacity = this.#buffer.length - WALKER_MARGIN;
    if (this.#end < capacity) return;
    const read = Math.min(this.#at, this.#end);
    this.#runs.drop(read);
    this.#buffer.copyWithin(0, read, this.#end);
    this.#base += read;
    this.#small.base = this.#base;
    this.#at -= read;
    this.#end -= read;
    if (this.#end <= capacity / 2) return;
    const wide = new Uint8Array(capacity * 2 + WALKER_MARGIN);
    wide.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = wide;
    this.#walker.attach(wide);
    this.#runs.buffer = wide;
  }

  /** Whether `count` bytes are there from `#at` on, or all there are. */
  #has(count: number): boolean {
    if (this.#end - this.#at >= count) return true;
    this.#need = count;
    if (!this.#final) return false;
    if (this.#at > this.#end) throw this.#damaged("it ends too early");
    return true;
  }

  /** Reads on. Returns false if bytes are missing. */
  #step(): boolean {
    this.#need = WALKER_MARGIN;
    const node = this.#node;
    if (node === undefined) return !this.#started && this.#begin();
    switch (node.state) {
      case "field":
        return this.#field(node);
      case "span":
        return this.#span(node);
      case "children":
        return this.#children(node);
      case "skip":
        return this.#skip(node);
      case "entries":
        return this.#entries(node);
      case "blocks":
        return this.#blocks(node);
    }
  }

  #begin(): boolean {
    if (!this.#has(LOOK_AHEAD)) return false;
    this.#started = true;
    const end = this.#small.read(0, this.#end);
    if (end === BEYOND) this.#open(0, 0, 0);
    else this.#at = end;
    return true;
  }

  /** Reads a node's next key, "p", "t" or another, or ends the node. */
  #field(node: OpenNode): boolean {
    if (node.fields === 0) {
      this.#close(node);
      return true;
    }
    if (!this.#has(WALKER_MARGIN)) return false;
    node.fields--;
    const after = this.#walker.head(this.#at);
    const name = this.#walker.isName() ? this.#buffer[after]! : 0;
    if (name === 0x70 || name === 0x74) {
      this.#at = after + 1;
      node.state = name === 0x70 ? "span" : "children";
    } else {
      this.#left = 2;
      node.state = "skip";
    }
    return true;
  }

  /** Skips items of any length. */
  #skip(node: OpenNode): boolean {
    const walker = this.#walker;
    for (;;) {
      while (this.#left === 0) {
        const left = this.#outside.pop();
        if (left === undefined) {
          node.state = "field";
          return true;
        }
        this.#left = left;
      }
      if (!this.#has(WALKER_MARGIN)) return false;
      this.#at = walker.head(this.#at) + walker.payload;
      if (walker.kind === "malformed") throw this.#damaged("it holds bytes that begin no value");
      if (walker.kind === "break") {
        if (this.#left !== Number.POSITIVE_INFINITY)
          throw this.#damaged("it holds a break outside of a value");
        this.#left = 0;
      } else if (walker.items < 0) {
        if (this.#outside.length > this.#traits.maxDepth * 2) throw this.#tooDeep();
        this.#outside.push(this.#left - 1);
        this.#left = Number.POSITIVE_INFINITY;
      } else {
        this.#left += walker.items - 1;
      }
    }
  }

  /** Reads a node's "p": a span, or the head of a list of blocks. */
  #span(node: OpenNode): boolean {
    if (!this.#has(WALKER_MARGIN)) return false;
    const walker = this.#walker;
    const first = walker.head(this.#at);
    const count = walker.value;
    if (walker.kind !== "array" || count < 1) throw this.#damaged('a "p" is not a list');
    walker.head(first);
    if (walker.kind === "array") {
      if (node.hasSpan || node.kind !== undefined) this.#giveUp("a node holds a field twice");
      else this.#beginEntries(node, "blocked", count, first);
      return true;
    }
    if (node.hasSpan || node.kind === "blocked") this.#giveUp("a node holds a field twice");
    this.#at = this.#small.span(first, count);
    node.hasSpan = true;
    node.spanStart = this.#small.valueStart;
    node.spanEnd = this.#small.valueEnd;
    node.state = "field";
    return true;
  }

  /** Reads the head of a node's "t". */
  #children(node: OpenNode): boolean {
    if (!this.#has(WALKER_MARGIN)) return false;
    const walker = this.#walker;
    const after = walker.head(this.#at);
    const { kind, value } = walker;
    if (kind === "null") {
      this.#at = after;
      node.state = "field";
    } else if ((kind !== "map" && kind !== "array") || value < 0) {
      throw this.#damaged('a "t" is neither a map nor a list of a known length');
    } else if (node.kind !== undefined) {
      this.#giveUp("a node holds a field twice");
    } else {
      this.#beginEntries(node, kind === "map" ? "map" : "list", value, after);
    }
    return true;
  }

  #beginEntries(node: OpenNode, kind: OpenNode["kind"], count: number, at: number): void {
    node.kind = kind;
    node.count = count;
    node.first = this.#base + at;
    node.state = kind === "blocked" ? "blocks" : "entries";
    if (kind === "map") node.hashes = new MapHashes(this.#hashes, node.node);
    this.#at = at;
    node.headCrc = this.#runs.checksumTo(at);
    const { parent } = node;
    parent?.pages.push({
      offset: node.key,
      hash: node.hash,
      first: parent.index,
      start: this.#startOf(parent, node.hasSpan ? node.spanStart : -1),
      size: node.first - node.key,
      large: true,
      crc: node.headCrc,
    });
  }

  /** The position where a node's next entry begins. `start`: of its value; −1 if that is not known. */
  #startOf(node: OpenNode, start: number): number {
    // What comes before the first entry of all is filled in when the node ends: its span may follow its entries.
    return node.kind === "list" && start >= 0 ? start : node.before;
  }

  #blocks(node: OpenNode): boolean {
    const small = this.#small;
    while (node.index < node.count) {
      if (!this.#has(WALKER_MARGIN)) return false;
      const { count, after } = small.block(this.#at);
      if (node.before >= 0 && small.valueStart !== node.before) {
        throw this.#damaged("a list's blocks do not follow each other");
      }
      if (!this.#runs.isOpen) this.#runs.begin(this.#at, node.items, small.valueStart);
      node.before = small.valueEnd;
      node.items += count;
      node.index++;
      this.#at = after;
      if (this.#runs.lengthTo(after) >= PAGE_BYTES) this.#runs.end(node, after);
    }
    this.#runs.end(node, this.#at);
    node.state = "field";
    return true;
  }

  #entries(node: OpenNode): boolean {
    const { hashes, count } = node;
    const small = this.#small;
    const key = this.#key;
    while (node.index < count) {
      const start = this.#at;
      let child = start;
      if (hashes !== undefined) {
        if (!this.#has(WALKER_MARGIN)) return false;
        child = key.read(start, this.#end);
        if (child === MALFORMED) throw this.#damaged("a key is no value");
        if (child === BEYOND) {
          this.#need = key.need;
          if (this.#final) throw this.#damaged("it ends too early");
          return false;
        }
      }
      if (!this.#has(child - start + LOOK_AHEAD)) return false;
      const end = small.read(child, this.#end);
      if (end === BEYOND) {
        this.#runs.end(node, start);
        const hash = pathHash(node.hash, hashes === undefined ? node.index : key.hash);
        hashes?.add(hash, key.second, this.#base + start);
        this.#open(start, child, hash);
        return true;
      }
      if (!this.#runs.isOpen) {
        const { isArchive, valueStart } = small;
        this.#runs.begin(start, node.index, isArchive ? valueStart : this.#startOf(node, valueStart));
      }
      hashes?.add(pathHash(node.hash, key.hash), key.second, this.#runs.start);
      if (small.valueEnd >= 0) node.before = small.valueEnd;
      node.index++;
      this.#at = end;
      if (this.#runs.lengthTo(end) >= PAGE_BYTES) this.#runs.end(node, end);
    }
    this.#runs.end(node, this.#at);
    node.items = count;
    node.state = "field";
    return true;
  }

  /** Begins a large node. `start`: offset of its key. */
  #open(start: number, child: number, hash: number): void {
    const walker = this.#walker;
    const after = walker.head(child);
    if (walker.kind !== "map" || walker.value < 0)
      throw this.#damaged("a node is neither a map nor an offset");
    const base = this.#base;
    const node = new OpenNode(this.#node, base + start, base + child, hash, walker.value);
    if (node.level > this.#traits.maxDepth) throw this.#tooDeep();
    if (node.level > 0xffff) this.#giveUp("its nodes nest too deep");
    this.#node = node;
    this.#at = after;
    this.#runs.restart(start);
  }

  #tooDeep(): PeekpackError {
    return new PeekpackError("limit", "The table of contents is nested too deep.", {
      section: "toc",
      offset: this.#base + this.#at,
    });
  }

  #close(node: OpenNode): void {
    if (this.#at > this.#end) throw this.#damaged("it ends too early");
    const done = indexedNode(node, this.#base + this.#at, this.#traits.protocol);
    if (typeof done === "string") {
      this.#giveUp(done);
      return;
    }
    this.#done.push(done);
    const { parent, kind } = node;
    this.#node = parent;
    this.#runs.restart(this.#at);
    if (parent === undefined) return;
    parent.index++;
    if (node.hasSpan) parent.before = node.spanEnd;
    else if (kind === "blocked") parent.before = node.before;
  }
}

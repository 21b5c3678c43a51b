import type { Entry } from "../archive/entry.js";

/** An unfolded container. Its entries are rows. */
class Branch {
  readonly entry: Entry;
  readonly parent: Branch | undefined;
  /** Unfolded entries below, in order. */
  readonly open: Branch[] = [];
  /** Rows below it: its entries, and the rows of those that are unfolded. */
  rows: number;

  constructor(entry: Entry, parent: Branch | undefined) {
    this.entry = entry;
    this.parent = parent;
    this.rows = entry.size ?? 0;
  }

  /** The position in `open` of the entry with an index. If it is not unfolded: −1 minus where it would be inserted. */
  find(index: number): number {
    let low = 0;
    let high = this.open.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.open[middle]!.entry.index;
      if (at === index) return middle;
      if (at < index) low = middle + 1;
      else high = middle;
    }
    return -1 - low;
  }

  grow(rows: number): void {
    for (let branch: Branch | undefined = this; branch !== undefined; branch = branch.parent) {
      branch.rows += rows;
    }
  }
}

/**
 * Maps rows of the tree to entries. Entries are made only for rows that are asked for, so that unfolding a map of a million
 * keys costs no more than unfolding one of ten.
 */
export class TreeRows {
  readonly #root: Entry;
  #top: Branch | undefined;

  constructor(root: Entry) {
    this.#root = root;
  }

  /** Row 0 is the root. */
  get count(): number {
    return 1 + (this.#top?.rows ?? 0);
  }

  entryAt(row: number): Entry {
    if (row === 0 || this.#top === undefined) return this.#root;
    let branch = this.#top;
    let left = row - 1;
    for (;;) {
      // Rows of unfolded entries shift those of the entries after them.
      let inside: Branch | undefined;
      let shift = 0;
      for (const open of branch.open) {
        const at = open.entry.index + shift;
        if (left <= at) break;
        if (left <= at + open.rows) {
          inside = open;
          left -= at + 1;
          break;
        }
        shift += open.rows;
      }
      if (inside === undefined) return branch.entry.child(left - shift);
      branch = inside;
    }
  }

  /** The row of an entry. −1 if a container around it is folded. */
  rowOf(entry: Entry): number {
    if (entry.parent === undefined) return 0;
    const branch = this.#branch(entry.parent);
    if (branch === undefined) return -1;
    let row = this.rowOf(entry.parent) + 1 + entry.index;
    for (const open of branch.open) {
      if (open.entry.index >= entry.index) break;
      row += open.rows;
    }
    return row;
  }

  isOpen(entry: Entry): boolean {
    return this.#branch(entry) !== undefined;
  }

  /** Shows the entries of a container. It must have been read, and those around it must be unfolded. */
  open(entry: Entry): void {
    if (this.isOpen(entry)) return;
    if (entry.parent === undefined) {
      this.#top = new Branch(entry, undefined);
      return;
    }
    const parent = this.#branch(entry.parent);
    if (parent === undefined) return;
    const branch = new Branch(entry, parent);
    parent.open.splice(-1 - parent.find(entry.index), 0, branch);
    parent.grow(branch.rows);
  }

  /** Hides the entries of a container, and everything below them. */
  fold(entry: Entry): void {
    const branch = this.#branch(entry);
    if (branch === undefined) return;
    if (branch.parent === undefined) {
      this.#top = undefined;
      return;
    }
    branch.parent.open.splice(branch.parent.find(entry.index), 1);
    branch.parent.grow(-branch.rows);
  }

  #branch(entry: Entry): Branch | undefined {
    if (entry.parent === undefined) return this.#top;
    const parent = this.#branch(entry.parent);
    const at = parent?.find(entry.index) ?? -1;
    return at < 0 ? undefined : parent!.open[at];
  }
}

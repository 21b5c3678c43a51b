import type { Packer } from "./packer.js";

/** Longest encoded key that is kept, in bytes: six words. */
const MAX_LENGTH = 24;
const MAX_ENTRIES = 4096;

/** A key as it is encoded, and what followed it last time: the next key of the same map, and the first of a map under it. */
export class KeyEntry {
  readonly key: string;
  /** Length of the encoded key in bytes; 0 for one that is not kept. */
  readonly length: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
  next: KeyEntry | undefined = undefined;
  first: KeyEntry | undefined = undefined;

  /** Takes the key's encoded bytes from a view that has room for 24 bytes at `at`. */
  constructor(key: string, view: DataView, at: number, length: number) {
    this.key = key;
    this.length = length;
    this.a = view.getInt32(at);
    this.b = view.getInt32(at + 4);
    this.c = view.getInt32(at + 8);
    this.d = view.getInt32(at + 12);
    this.e = view.getInt32(at + 16);
    this.f = view.getInt32(at + 20);
  }
}

const NO_BYTES = new DataView(new ArrayBuffer(MAX_LENGTH));

/**
 * The short keys of records that were written. Records repeat their keys in order: a key that is the one predicted is written
 * as whole words, which takes a third of the time of its characters (benchmarks, "encode").
 */
export class KeyEntries {
  readonly #entries: Map<string, KeyEntry> = new Map();
  /** Stands for all keys that are not kept, and for the absence of a key. */
  readonly none: KeyEntry = new KeyEntry("", NO_BYTES, 0, 0);

  /** Writes a key that was not predicted, and returns its entry. */
  write(key: string, data: Packer): KeyEntry {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      data.words(known);
      return known;
    }
    const start = data.pos;
    data.string(key);
    const length = data.pos - start;
    if (length > MAX_LENGTH || this.#entries.size === MAX_ENTRIES) return this.none;
    data.reserve(MAX_LENGTH);
    const entry = new KeyEntry(key, data.view, start, length);
    this.#entries.set(key, entry);
    return entry;
  }
}

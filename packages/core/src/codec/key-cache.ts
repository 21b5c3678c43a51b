/** Longest key that is cached, with its head, in bytes. */
const MAX_LENGTH = 32;
const MIN_SLOTS = 64;
const MAX_SLOTS = 8192;

/**
 * The map keys that a decoder has read, so that a repeated key costs a comparison of its bytes and no new string.
 *
 * A key has a slot, which the hash of its bytes chooses; a later key with the same hash takes it over. Records repeat their
 * keys in order, so that every slot remembers the key that followed last time. Slot 0 holds no key.
 */
export class KeyCache {
  /** The key in each slot. */
  readonly names: string[];
  /** The slot of the key that followed: at a key's own slot, and for the first key in a map under it at `children` + slot. */
  readonly next: Int32Array;
  readonly children: number;
  readonly #mask: number;
  readonly #lengths: Uint8Array;
  /** Head and bytes of each key. */
  readonly #keys: DataView;

  private constructor(slots: number) {
    this.#mask = slots - 1;
    this.names = new Array<string>(slots + 1).fill("");
    this.next = new Int32Array(2 * (slots + 1));
    this.children = slots + 1;
    this.#lengths = new Uint8Array(slots + 1);
    this.#keys = new DataView(new ArrayBuffer((slots + 1) * MAX_LENGTH));
  }

  /** A cache that is large enough for a value of `bytes` bytes: `cache` itself, or an empty one. */
  static for(bytes: number, cache: KeyCache | undefined): KeyCache {
    let slots = cache === undefined ? MIN_SLOTS : cache.#mask + 1;
    if (cache !== undefined && (slots === MAX_SLOTS || slots * 16 >= bytes)) return cache;
    while (slots < MAX_SLOTS && slots * 16 < bytes) slots *= 2;
    return new KeyCache(slots);
  }

  /** Length of the key in a slot, head included, if that key is at `at`; else 0. */
  match(slot: number, view: DataView, at: number): number {
    const length = this.#lengths[slot]!;
    if (length === 0 || at + length > view.byteLength) return 0;
    const keys = this.#keys;
    const base = slot * MAX_LENGTH;
    let i = 0;
    for (; i + 4 <= length; i += 4) if (view.getInt32(at + i) !== keys.getInt32(base + i)) return 0;
    for (; i < length; i++) if (view.getUint8(at + i) !== keys.getUint8(base + i)) return 0;
    return length;
  }

  /** The slot for the key from `at` to `end`, head included; 0 for one that is too long for the cache. */
  slot(view: DataView, at: number, end: number): number {
    if (end - at > MAX_LENGTH) return 0;
    let hash = 0;
    let i = at;
    for (; i + 4 <= end; i += 4) hash = Math.imul(hash ^ view.getInt32(i), 0x9e3779b1);
    for (; i < end; i++) hash = Math.imul(hash ^ view.getUint8(i), 0x9e3779b1);
    return ((hash ^ (hash >>> 15)) & this.#mask) + 1;
  }

  /** Puts a key into its slot. */
  set(slot: number, view: DataView, at: number, end: number, name: string): void {
    this.names[slot] = name;
    this.#lengths[slot] = end - at;
    const shift = slot * MAX_LENGTH - at;
    let i = at;
    for (; i + 4 <= end; i += 4) this.#keys.setInt32(i + shift, view.getInt32(i));
    for (; i < end; i++) this.#keys.setUint8(i + shift, view.getUint8(i));
  }
}

/** Keeps the hidden class alive: engines discard code that was compiled for a class without instances. */
export const NO_KEYS: KeyCache = KeyCache.for(0, undefined);

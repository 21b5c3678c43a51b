/** Values by key within a budget of bytes. The least recently used are evicted first. */
export class ByteLru<K, V> {
  /** The budget. */
  readonly maxBytes: number;
  readonly #entries = new Map<K, { readonly value: V; readonly bytes: number }>();
  readonly #onEvict: ((key: K, value: V) => void) | undefined;
  #bytes = 0;

  /** @param onEvict called for each value that no longer fits, but not for `delete` and `clear` */
  constructor(maxBytes: number, onEvict?: (key: K, value: V) => void) {
    this.maxBytes = maxBytes;
    this.#onEvict = onEvict;
  }

  /** Bytes of all values that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The value under a key, which becomes the most recently used. */
  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Keeps a value. One that exceeds the whole budget is not kept, and evicts nothing else. Returns whether it is kept. */
  set(key: K, value: V, bytes: number): boolean {
    this.delete(key);
    if (bytes > this.maxBytes) {
      this.#onEvict?.(key, value);
      return false;
    }
    this.#entries.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.maxBytes) break;
      this.delete(oldest);
      this.#onEvict?.(oldest, entry.value);
    }
    return true;
  }

  /** Removes a value. */
  delete(key: K): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }

  /** Removes all values. */
  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}

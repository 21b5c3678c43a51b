import type { LazyList, LazyMap, ReadOptions } from "@peekpack/core";
import { type OutlineEntry, outlineEntries } from "@peekpack/core/inspect";

/** Entries that are loaded at once: of a table in memory; and of a paged one, where they cost requests, about a screen. */
const WINDOW = 1024;
const PAGED_WINDOW = 64;
/** Entries that are kept for one container. */
const MAX_ENTRIES = 65_536;

/** The entries of a container as its table describes them. Windows are loaded on demand; the latest are kept. */
export class OutlineWindows {
  readonly #container: LazyMap | LazyList;
  readonly #windows = new Map<number, readonly OutlineEntry[]>();
  readonly #loading = new Map<number, Promise<void>>();

  /** How many entries are loaded at once. */
  readonly window: number;

  /** @param paged whether tables are fetched page by page */
  constructor(container: LazyMap | LazyList, paged: boolean) {
    this.#container = container;
    this.window = paged ? PAGED_WINDOW : WINDOW;
  }

  /** The entry at an index. Undefined if it is not loaded. */
  get(index: number): OutlineEntry | undefined {
    return this.#windows.get(Math.floor(index / this.window))?.[index % this.window];
  }

  /**
   * Loads the entries from `from` up to `to`. Callers share one load of a window. An abort ends only the waiting.
   * @returns the entries that were loaded now
   */
  async load(from: number, to: number, { signal }: ReadOptions): Promise<readonly OutlineEntry[]> {
    const missing: number[] = [];
    for (let window = Math.floor(from / this.window); window * this.window < to; window++) {
      if (!this.#windows.has(window)) missing.push(window);
    }
    if (missing.length === 0) return [];
    const unasked = missing.filter((window) => !this.#loading.has(window));
    for (const [first, end] of runs(unasked)) this.#start(first, end);
    await untilAborted(Promise.all(missing.map((window) => this.#loading.get(window))), signal);
    return missing.flatMap((window) => this.#windows.get(window) ?? []);
  }

  /** Starts to load windows in one walk, so that pages that lie side by side are requested together. */
  #start(first: number, end: number): void {
    const loading = this.#load(first, end).finally(() => {
      for (let window = first; window < end; window++) this.#loading.delete(window);
    });
    for (let window = first; window < end; window++) this.#loading.set(window, loading);
  }

  async #load(first: number, end: number): Promise<void> {
    const entries: OutlineEntry[] = [];
    const range = { start: first * this.window, end: end * this.window };
    for await (const some of outlineEntries(this.#container, range)) entries.push(...some);
    for (let window = first; window < end; window++) {
      const at = (window - first) * this.window;
      this.#windows.set(window, entries.slice(at, at + this.window));
    }
    for (const oldest of this.#windows.keys()) {
      if (this.#windows.size * this.window <= MAX_ENTRIES) break;
      this.#windows.delete(oldest);
    }
  }
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Contiguous ranges of some indices. */
export function runs(indices: readonly number[]): [from: number, to: number][] {
  const found: [number, number][] = [];
  for (const index of indices) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === index) last[1]++;
    else found.push([index, index + 1]);
  }
  return found;
}

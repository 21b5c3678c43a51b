import type { Entry } from "../archive/entry.js";
import { keyText } from "../archive/segments.js";

/** Letters typed within this time are one word. */
const TYPING_MS = 700;
/** Keys that are searched; fewer if tables are paged. */
const SEARCHED_KEYS = 50_000;
const SEARCHED_PAGED_KEYS = 4096;
/** Keys that are loaded at a time. */
const STEP = 512;

/** Finds siblings by the letters that their keys begin with. */
export class KeySearch {
  #typed = "";
  #typedAt = 0;
  #running: AbortController | undefined;

  /**
   * Adds a letter, and searches the siblings from an entry on. Letters that follow quickly are one word.
   * @returns the next sibling whose key begins with the letters; undefined if there is none, or if another letter follows
   */
  async type(letter: string, from: Entry): Promise<Entry | undefined> {
    this.stop();
    const controller = new AbortController();
    this.#running = controller;
    const now = performance.now();
    this.#typed = now - this.#typedAt < TYPING_MS ? this.#typed + letter : letter;
    this.#typedAt = now;
    const { parent } = from;
    if (parent === undefined) return undefined;
    // A first letter goes on to the next entry.
    const first = from.index + (this.#typed.length === 1 ? 1 : 0);
    try {
      return await search(parent, first, this.#typed.toLowerCase(), controller.signal);
    } catch (error) {
      if (controller.signal.aborted) return undefined;
      throw error;
    }
  }

  /** Aborts the search. */
  stop(): void {
    this.#running?.abort();
  }
}

async function search(
  parent: Entry,
  first: number,
  typed: string,
  signal: AbortSignal,
): Promise<Entry | undefined> {
  const size = parent.size ?? 0;
  const searched = Math.min(size, parent.paged ? SEARCHED_PAGED_KEYS : SEARCHED_KEYS);
  for (let i = 0; i < searched; i++) {
    const index = (first + i) % size;
    if (i % STEP === 0) {
      await parent.ensure(index, index + STEP, { signal });
      // The search continues at the first entry.
      await parent.ensure(0, index + STEP - size, { signal });
    }
    signal.throwIfAborted();
    if (keyText(parent.keyAt(index)).toLowerCase().startsWith(typed)) return parent.child(index);
  }
  return undefined;
}

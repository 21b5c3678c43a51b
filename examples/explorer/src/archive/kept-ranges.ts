import { type RangeSource, withRangeCache } from "@peekpack/core";
import type { PersistentCache } from "@peekpack/web-storage";

const MAX_BYTES = 256 * 2 ** 20;

/** What was read of archives, kept in the browser for later visits: the one place where that cache is chosen. */
export class KeptRanges {
  /** Whether what is read from now on is kept, and what was kept is used. */
  wanted = true;
  #cache: Promise<PersistentCache> | undefined;

  /** Puts the cache between a source and its readers, where it is wanted. */
  async around(source: RangeSource): Promise<RangeSource> {
    return this.wanted ? withRangeCache(source, await this.#open()) : source;
  }

  /** How many bytes are kept. */
  async size(): Promise<number> {
    return (await this.#open()).size();
  }

  /** Removes all that is kept, of every archive. */
  async forget(): Promise<void> {
    await (await this.#open()).clear();
  }

  #open(): Promise<PersistentCache> {
    this.#cache ??= import("@peekpack/web-storage").then(
      ({ persistentCache }) => persistentCache({ maxBytes: MAX_BYTES, directory: "peekpack-explorer" }),
      (error: unknown) => {
        this.#cache = undefined;
        throw error;
      },
    );
    return this.#cache;
  }
}

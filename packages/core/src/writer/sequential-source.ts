import { type ArchiveSource, asSource } from "../reader/open-archive.js";
import type { RangeSource } from "../source/range-source.js";
import { isReadEngine, readEngine } from "../source/read-engine.js";

/** A source that is read once, from end to end: with retries, without a cache. @throws TypeError if it is no source */
export async function sequentialSource(source: ArchiveSource): Promise<RangeSource> {
  const given = await asSource(source);
  return given.local || isReadEngine(given) ? given : readEngine(given, { cacheBytes: 0, readAhead: 0 });
}

import { isPeekpackError, openArchive } from "@peekpack/core";
import type { S3Store, StoreCombineResult } from "@peekpack/s3";
import { archivePath, type Run, shardName, shardPath } from "./run.js";

/**
 * Combines all shards into one archive with a page index. The server copies what is long enough. Uploads that killed workers
 * have left are aborted.
 * @returns undefined if the archive exists already
 * @throws PeekpackError `not-found` if a shard does not exist
 */
export async function combineShards(
  store: S3Store,
  run: Run,
  signal?: AbortSignal,
): Promise<StoreCombineResult | undefined> {
  const children = Array.from({ length: run.shards }, (_, shard) => ({
    name: shardName(shard),
    source: shardPath(run.path, shard),
  }));
  await store.sweep(`${run.path}/shards/`, { olderThan: new Date() });
  try {
    return await store.combine(archivePath(run.path), children, { put: "create", pageIndex: true, signal });
  } catch (error) {
    if (!isPeekpackError(error) || error.code !== "exists") throw error;
    await using archive = await openArchive(store.source(archivePath(run.path)), { signal });
    if ((await archive.size()) !== run.shards) throw error;
    return undefined;
  }
}

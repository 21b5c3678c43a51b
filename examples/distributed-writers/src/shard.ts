import { setTimeout as sleep } from "node:timers/promises";
import { isPeekpackError, listOf, mapOf, openArchive, writeArchive } from "@peekpack/core";
import type { S3Store } from "@peekpack/s3";
import { type ShardTask, shardPath } from "./run.js";

/** `written`: by this call. `found`: an earlier attempt had written it. */
export type ShardOutcome = "written" | "found";

export interface ShardOptions {
  readonly signal?: AbortSignal | undefined;
  /** Receives the number of entries that are done. */
  readonly onProgress?: ((entries: number) => void) | undefined;
}

/** Another run, or other settings, wrote an object where the shard belongs. Trying again does not help. */
export class ForeignShard extends Error {
  constructor(path: string) {
    super(
      `${path} exists, and is another shard than this task would write. Choose another prefix for the run.`,
    );
    this.name = "ForeignShard";
  }
}

/** Computes one entry. Put your computation here: it may take a minute. */
async function computeEntry({ shard, work }: ShardTask, index: number): Promise<unknown> {
  if (work > 0) await sleep(work);
  const phase = (shard * 1000 + index) / 100;
  const positions = Array.from({ length: 12 }, (_, atom) => [
    Math.sin(phase + atom),
    Math.cos(phase + atom),
    atom / 3,
  ]);
  return { id: `${shard}-${index}`, energy: -13.6 * Math.exp(-Math.abs(Math.sin(phase))), positions };
}

async function* entriesOf(task: ShardTask, onProgress: ShardOptions["onProgress"]): AsyncGenerator<unknown> {
  for (let i = 0; i < task.entries; i++) {
    yield await computeEntry(task, i);
    onProgress?.(i + 1);
  }
}

/**
 * Writes a shard straight to S3, in parts and without a disk. A shard that exists with the right content counts as done, so that
 * any number of attempts leave one object.
 * @throws ForeignShard if the object exists with other content
 */
export async function writeShard(
  store: S3Store,
  task: ShardTask,
  { signal, onProgress }: ShardOptions = {},
): Promise<ShardOutcome> {
  if (await shardExists(store, task, signal)) return "found";
  const { path, shard, entries } = task;
  const value = mapOf([
    ["task", { run: path, shard, entries }],
    ["entries", listOf(entriesOf(task, onProgress), { count: entries })],
  ]);
  try {
    await writeArchive(store.sink(shardPath(path, shard), { put: "create", signal }), value, { signal });
    return "written";
  } catch (error) {
    // Another attempt was faster: a worker that the queue believed dead, for example.
    const faster = isPeekpackError(error) && error.code === "exists";
    if (faster && (await shardExists(store, task, signal))) return "found";
    throw error;
  }
}

/** Whether the shard is complete. An object appears only when its last part is committed, so a header is enough to ask for. */
async function shardExists(store: S3Store, task: ShardTask, signal?: AbortSignal): Promise<boolean> {
  const path = shardPath(task.path, task.shard);
  const source = store.source(path);
  try {
    await source.probe({ head: 64, tail: 0 }, { signal });
  } catch (error) {
    if (isPeekpackError(error) && error.code === "not-found") return false;
    throw error;
  }
  const archive = await openArchive(source, { signal });
  try {
    const expected = { run: task.path, shard: task.shard, entries: task.entries };
    const stated = (await archive.has("task")) && (await archive.read("task"));
    const same = JSON.stringify(stated) === JSON.stringify(expected);
    if (!same || (await archive.size("entries")) !== task.entries) throw new ForeignShard(path);
    return true;
  } finally {
    await archive.close();
  }
}

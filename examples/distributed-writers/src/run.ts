import { parseArgs } from "node:util";

/** A data set that is written in shards. */
export interface Run {
  /** 'bucket/prefix'. Shards and the combined archive are below it. */
  readonly path: string;
  readonly shards: number;
  /** Entries of each shard. */
  readonly entries: number;
  /** Milliseconds that an entry takes: stands for a computation. */
  readonly work: number;
}

/** One shard of a run: all that a worker needs to know. */
export interface ShardTask extends Omit<Run, "shards"> {
  readonly shard: number;
}

export const shardName = (shard: number): string => `shard-${String(shard).padStart(6, "0")}`;
export const shardPath = (run: string, shard: number): string => `${run}/shards/${shardName(shard)}.msglc`;
export const archivePath = (run: string): string => `${run}/all.msglc`;

export const taskOf = ({ path, entries, work }: Run, shard: number): ShardTask => ({
  path,
  entries,
  work,
  shard,
});

/** The options of every program that needs a whole run. */
export const RUN_OPTIONS = {
  shards: { type: "string", default: "200" },
  entries: { type: "string", default: "10" },
  work: { type: "string", default: "0" },
} as const;

/** 'bucket/prefix' without the scheme and a slash at the end. @throws TypeError for any other text */
export function runPath(text: string | undefined): string {
  const path = text?.replace(/^s3:\/\//, "").replace(/\/+$/, "");
  if (path === undefined || !/^[^/]+\/.+$/.test(path)) {
    throw new TypeError("Name the run: s3://bucket/prefix");
  }
  return path;
}

/** @throws RangeError if the text is not a whole number of at least `least` */
export function count(name: string, text: string, least = 1): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`--${name} is a whole number of at least ${least}.`);
  }
  return value;
}

/** Numbers of a run, from the values of {@link RUN_OPTIONS}. @throws RangeError if one is wrong */
export function runOf(path: string, values: Readonly<Record<keyof typeof RUN_OPTIONS, string>>): Run {
  return {
    path,
    shards: count("shards", values.shards),
    entries: count("entries", values.entries),
    work: count("work", values.work, 0),
  };
}

/** The run that a command line names. @throws TypeError or RangeError if it is wrong */
export function parseRun(args: readonly string[] = process.argv.slice(2)): Run {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: RUN_OPTIONS,
    allowPositionals: true,
  });
  return runOf(runPath(positionals[0]), values);
}

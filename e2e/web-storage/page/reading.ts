import {
  httpSource,
  listOf,
  openArchive,
  type RequestEvent,
  type Value,
  withRangeCache,
  writeArchive,
} from "@peekpack/core";
import { type S3StoreOptions, s3Store } from "@peekpack/s3";
import {
  type PersistentCacheOptions,
  persistentCache,
  type WorkerArchiveOptions,
  workerArchive,
} from "@peekpack/web-storage";
import { rows } from "../rows.js";

/** A read. */
export interface ReadJob {
  readonly url: string;
  readonly paths: readonly string[];
  readonly cache?: PersistentCacheOptions;
  /** Simulates that the server cannot be reached. */
  readonly offline?: boolean;
  readonly revalidate?: boolean;
}

/** Result and cost of a read. */
export interface ReadReport {
  readonly values: readonly Value[];
  /** Requests over the network: to open the archive, and others. */
  readonly requests: { readonly open: number; readonly more: number };
  /** Bytes received over the network. */
  readonly bytes: number;
}

/** Opens an archive with a persistent cache and reads from it. */
export async function read({
  url,
  paths,
  cache: options = {},
  offline,
  revalidate = true,
}: ReadJob): Promise<ReadReport> {
  const cache = persistentCache(options);
  const events: RequestEvent[] = [];
  const refuse = async (): Promise<never> => {
    throw new TypeError("offline");
  };
  const source = withRangeCache(httpSource(url, offline ? { fetch: refuse } : {}), cache, { revalidate });
  const archive = await openArchive(source, {
    tailBytes: 64 * 1024,
    readAhead: 0,
    retry: offline ? false : {},
    onRequest: (event) => events.push(event),
  });
  try {
    const values: Value[] = [];
    for (const path of paths) values.push(await archive.read(path));
    return { values, ...costOf(events) };
  } finally {
    await archive.close();
    cache.close();
  }
}

function costOf(events: readonly RequestEvent[]): Pick<ReadReport, "requests" | "bytes"> {
  const received = events.filter(({ from, error }) => from === "network" && error === undefined);
  return {
    requests: {
      open: received.filter(({ reason }) => reason === "open").length,
      more: received.filter(({ reason }) => reason !== "open").length,
    },
    bytes: received.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Number of cached bytes. */
export function cacheSize(options: PersistentCacheOptions): Promise<number> {
  return persistentCache(options).size();
}

/** Reads in the worker of web-storage. */
export async function readInWorker(
  url: string,
  paths: readonly string[],
  options: Pick<WorkerArchiveOptions, "cache"> = {},
): Promise<{ values: readonly Value[]; selected: number; reason: string; code: string }> {
  const archive = await workerArchive(url, { ...options, tailBytes: 64 * 1024 });
  const values = await archive.readMany(paths);
  let selected = 0;
  for await (const _ of archive.select("rows/0:100/i")) selected++;
  const controller = new AbortController();
  const aborted = archive
    .read("rows", { signal: controller.signal })
    .catch((reason: unknown) => String(reason));
  controller.abort("the test aborts");
  const code = await archive.read("rows/none").then(
    () => "no error",
    (error: { code: string }) => error.code,
  );
  const reason = String(await aborted);
  await archive.close();
  return { values, selected, reason, code };
}

/** Writes through `store.sink`, without a spool. */
export async function writeDirectly(
  store: S3StoreOptions,
  path: string,
  count: number,
  bytes: number,
): Promise<number> {
  const sink = s3Store(store).sink(path, { partSize: 5 * 2 ** 20 });
  return (await writeArchive(sink, { rows: listOf(rows(count, bytes), { count }) })).size;
}

import { disposable } from "../disposable.js";
import { isPeekpackError } from "../errors.js";
import { TimeSlice } from "../event-loop.js";
import { AbortListeners } from "./abort-listeners.js";
import { type Block, type BlockPool, blockCache } from "./block-cache.js";
import type { ByteRange } from "./byte-range.js";
import { coalesceRanges } from "./coalesce.js";
import { batchComplete } from "./microtask-batch.js";
import { estimateNetwork } from "./network-estimate.js";
import type { ClosableSource, RangeSource, ReadOptions } from "./range-source.js";
import { isTableRead, type RequestEvent, type RequestListener, requestEvent } from "./request-event.js";
import { sequenceTracker } from "./sequence-tracker.js";
import { checkRanges, closedSource } from "./source-error.js";

/** How reads are scheduled and cached. Sizes in bytes. Defaults of requests follow the measured latency and bandwidth. */
export interface SchedulerOptions {
  /** Size of the object, if it is known without a probe. */
  readonly size?: number | undefined;
  /** Cache budget for data. 0: none. Default 32 MiB. */
  readonly cacheBytes?: number | undefined;
  /** Cache budget for the header and the table of contents, which data never evict. Default 4 MiB. */
  readonly tableBytes?: number | undefined;
  /** Fixes the widest gap between two ranges that are fetched together. Default: 4 KiB, and up to 1 MiB if that saves time. */
  readonly gap?: number | undefined;
  /** Fixes the longest request. Default: 1 to 8 MiB. */
  readonly maxRequestBytes?: number | undefined;
  /**
   * Maximum number of bytes read ahead of sequential reads. 0: none. Default 4 MiB, less on a slow connection. Read-ahead stops
   * when the signal of the read that started it aborts, when the last waiting read aborts, and on `close`. Otherwise it continues
   * until these bytes have arrived, also if no further read follows.
   */
  readonly readAhead?: number | undefined;
}

const MiB = 1024 * 1024;
/** Number of requests that the network estimate uses. */
const maxSamples = 32;
/** From this number of simultaneous reads on, nothing is read ahead: they are not sequential. */
const manyReads = 5;

/** One caller's read. */
interface Job {
  readonly ranges: readonly ByteRange[];
  readonly read: ReadOptions;
  /** For each range the blocks that contain it. */
  parts: Block[][];
  /** Blocks that have not arrived. */
  readonly missing: Set<Fetch>;
  /** Settles the caller's promise, once. */
  settle(error?: unknown, bytes?: Uint8Array[]): void;
}

/** A block that is being fetched. */
interface Fetch extends Block {
  readonly controller: AbortController;
  readonly jobs: Set<Job>;
}

/**
 * Coalesces the reads of one microtask batch into few requests, shares requests in flight, caches what has arrived, and reads
 * ahead of sequential reads. A request is aborted when its last caller has aborted. Failed requests are never cached. Each request
 * has one range; put a limiter and `withRetry` around `source`. `listener` receives every request and every range that the cache
 * serves.
 */
export function withScheduler(
  source: RangeSource,
  options: SchedulerOptions = {},
  listener?: RequestListener,
): ClosableSource {
  const { label, limiter } = source;
  const { cacheBytes = 32 * MiB, tableBytes = 4 * MiB, readAhead = 4 * MiB, gap = 4096 } = options;
  const cache = blockCache();
  const dataPool = cache.pool(cacheBytes);
  const tablePool = cache.pool(tableBytes);
  /** The latest requests, for the network estimate. */
  const samples: RequestEvent[] = [];
  const sequences = sequenceTracker();
  const listeners = new AbortListeners();
  const fetches = new Set<Fetch>();
  /** Unsettled jobs. */
  const waiting = new Set<Job>();
  /** Number of unsettled jobs that are not read-ahead. */
  let readers = 0;
  let queue: Job[] = [];
  let { size } = options;
  let reopened = false;
  let closed = false;

  const isReadAhead = ({ read }: Job): boolean => read.reason === "read-ahead";

  /** The bytes of ranges whose blocks have all arrived. Other work runs while many blocks are copied into one array. */
  const assemble = (
    ranges: readonly ByteRange[],
    parts: readonly Block[][],
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array[]> => {
    const slice = new TimeSlice();
    return Promise.all(
      ranges.map(async ({ start, end }, i) => {
        const views = parts[i]!.map((block) => {
          cache.touch(block);
          return block.bytes!.subarray(Math.max(0, start - block.start), end - block.start);
        });
        if (views.length === 1) return views[0]!;
        const all = new Uint8Array(end - start);
        let offset = 0;
        for (const view of views) {
          all.set(view, offset);
          offset += view.length;
          await slice.next(signal);
        }
        return all;
      }),
    );
  };

  const emit = (event: RequestEvent, reads: readonly (ReadOptions | undefined)[]): void => {
    if (event.from === "network" && !event.error && samples.push(event) > maxSamples) samples.shift();
    listener?.(event);
    for (const read of reads) read?.onRequest?.(event);
  };

  const emitHit = (range: ByteRange, read: ReadOptions): void => {
    const bytes = range.end - range.start;
    if (bytes === 0 || read.reason === "read-ahead") return;
    emit(requestEvent(label, read, performance.now(), { range, bytes, from: "cache", ms: 0 }), [read]);
  };

  /** Rejects a job and aborts the requests that no other job waits for. */
  const reject = (job: Job, error: unknown): void => {
    for (const fetch of job.missing) {
      fetch.jobs.delete(job);
      if (fetch.jobs.size === 0 && fetches.delete(fetch)) {
        cache.remove(fetch);
        fetch.controller.abort(error);
      }
    }
    job.missing.clear();
    job.settle(error);
  };

  const stopReadAhead = (reason: unknown): void => {
    for (const job of waiting) if (isReadAhead(job)) reject(job, reason);
  };

  /** Reads for one job, without the scheduler. */
  const readAlone = (job: Job): void => {
    source.read(job.ranges, { ...job.read, onRequest: (event) => emit(event, [job.read]) }).then(
      (bytes) => job.settle(undefined, bytes),
      (error: unknown) => reject(job, error),
    );
  };

  const startFetch = async (fetch: Fetch): Promise<void> => {
    const reads = (): ReadOptions[] => Array.from(fetch.jobs, (job) => job.read);
    const read: ReadOptions = {
      signal: fetch.controller.signal,
      // Jobs may join while the request is queued.
      get priority() {
        // Asked for each waiting request whenever a slot becomes free.
        let highest = Number.NEGATIVE_INFINITY;
        for (const { read } of fetch.jobs) highest = Math.max(highest, read.priority ?? 0);
        return highest;
      },
      reason: reads()[0]?.reason,
      onRequest: (event) => emit(event, reads()),
    };
    let failure: unknown;
    try {
      [fetch.bytes] = await source.read([{ start: fetch.start, end: fetch.end }], read);
    } catch (error) {
      failure = error;
    }
    // The last job may have been aborted meanwhile.
    if (!fetches.delete(fetch)) return;
    // A long request is not only header or table: it is for many child archives at once, with the data between them.
    const isTable = isTableRead(read) && fetch.end - fetch.start <= tableBytes / 4;
    if (fetch.bytes && !reopened) cache.keep(fetch, isTable ? tablePool : dataPool);
    else cache.remove(fetch);
    for (const job of [...fetch.jobs]) {
      if (fetch.bytes) {
        job.missing.delete(fetch);
        if (job.missing.size === 0) job.settle();
      } else if (size === undefined && isTruncation(failure) && !reachesEnd(job, fetch)) {
        // The size is unknown, and another job's range ends after the object.
        readAlone(job);
      } else {
        reject(job, failure);
      }
    }
    // A job holds its result and its other blocks: through jobs, the cache would hold everything that was ever read.
    fetch.jobs.clear();
  };

  const addFetch = ({ start, end }: ByteRange): Fetch => {
    const fetch: Fetch = { start, end, controller: new AbortController(), jobs: new Set() };
    cache.add(fetch);
    fetches.add(fetch);
    return fetch;
  };

  const schedule = (jobs: readonly Job[]): void => {
    const { latencyMs, bytesPerMs } = estimateNetwork(samples);
    const added = coalesceRanges(
      jobs.flatMap(({ ranges }) => ranges.flatMap((range) => cache.holes(range))),
      {
        gap,
        maxGap: options.gap ?? MiB,
        maxRequestBytes:
          options.maxRequestBytes ?? Math.min(8 * MiB, Math.max(MiB, 16 * latencyMs * bytesPerMs)),
        concurrency: limiter?.concurrency ?? 6,
        latencyMs,
        bytesPerMs,
        mayCoalesce: (from, to) => cache.overlapping({ start: from, end: to }).length === 0,
      },
    ).map(addFetch);
    for (const job of jobs) {
      job.parts = job.ranges.map((range) => {
        const blocks = cache.overlapping(range);
        const missing = blocks.filter(({ bytes }) => !bytes) as Fetch[];
        for (const fetch of missing) {
          job.missing.add(fetch);
          fetch.jobs.add(job);
        }
        if (missing.length === 0) emitHit(range, job.read);
        return blocks;
      });
      if (job.missing.size === 0) job.settle();
    }
    for (const fetch of added) void startFetch(fetch);
  };

  const flush = async (): Promise<void> => {
    await batchComplete(() => queue.length);
    const jobs = queue.filter((job) => waiting.has(job));
    queue = [];
    if (jobs.length < manyReads) for (const { ranges, read } of jobs) startReadAhead(ranges, read);
    // Separate requests, so that no read waits for read-ahead.
    for (const ahead of [false, true]) schedule(jobs.filter((job) => isReadAhead(job) === ahead));
  };

  const enqueue = (ranges: readonly ByteRange[], read: ReadOptions): Promise<Uint8Array[]> =>
    new Promise((resolve, rejectCaller) => {
      const { signal } = read;
      const abort = (): void => {
        reject(job, signal!.reason);
        if (readers === 0) stopReadAhead(signal!.reason);
      };
      const job: Job = {
        ranges,
        read,
        parts: [],
        missing: new Set(),
        settle(error, bytes) {
          if (!waiting.delete(job)) return;
          if (!isReadAhead(job)) readers--;
          if (signal) listeners.delete(signal, abort);
          if (error === undefined) resolve(bytes ?? assemble(ranges, job.parts, signal));
          else rejectCaller(error);
        },
      };
      waiting.add(job);
      if (!isReadAhead(job)) readers++;
      if (signal) listeners.add(signal, abort);
      if (queue.push(job) === 1) void flush();
    });

  /** Reads ahead of sequential reads, as much as arrives within a few latencies. */
  const startReadAhead = (ranges: readonly ByteRange[], read: ReadOptions): void => {
    if (ranges.length !== 1 || isTableRead(read) || read.reason === "read-ahead" || reopened) return;
    const { latencyMs, bytesPerMs } = estimateNetwork(samples);
    const windowBytes = Math.max(65_536, 4 * latencyMs * bytesPerMs);
    const maxBytes = Math.min(readAhead, cacheBytes / 4, windowBytes);
    const ahead = sequences.next(ranges[0]!, maxBytes, size ?? 0);
    if (!ahead) return;
    enqueue([ahead], { signal: read.signal, reason: "read-ahead", priority: -1 }).catch(() => {});
  };

  /** Caches bytes, except those that the cache has. */
  const keep = (start: number, bytes: Uint8Array, pool: BlockPool): void => {
    if (reopened) return;
    for (const hole of cache.holes({ start, end: start + bytes.length })) {
      const block: Block = { ...hole, bytes: bytes.subarray(hole.start - start, hole.end - start) };
      cache.add(block);
      cache.keep(block, pool);
    }
  };

  return disposable<ClosableSource>({
    label,
    local: source.local,
    limiter,
    async probe(want, read) {
      if (closed) throw closedSource(label);
      const probe = await source.probe(want, { ...read, onRequest: (event) => emit(event, [read]) });
      size = probe.size;
      keep(0, probe.head, tablePool);
      keep(size - probe.tail.length, probe.tail, tablePool);
      return probe;
    },
    async read(ranges, read = {}) {
      read.signal?.throwIfAborted();
      if (closed) throw closedSource(label);
      checkRanges(label, ranges, size);
      const parts = ranges.map((range) => cache.overlapping(range));
      const cached = ranges.every(
        (range, i) => parts[i]!.every((block) => block.bytes) && cache.holes(range).length === 0,
      );
      if (!cached) return enqueue(ranges, read);
      for (const range of ranges) emitHit(range, read);
      startReadAhead(ranges, read);
      return assemble(ranges, parts, read.signal);
    },
    ...(source.pin && {
      pin(state) {
        source.pin!(state);
        size = state.size ?? size;
      },
    }),
    ...(source.reopen && {
      reopen() {
        const fresh = source.reopen!();
        reopened = true;
        cache.clear();
        stopReadAhead(closedSource(label));
        return withScheduler(fresh, { ...options, size: undefined }, listener);
      },
    }),
    async close() {
      closed = true;
      for (const job of waiting) reject(job, closedSource(label));
      cache.clear();
      await source.close?.();
    },
  });
}

const isTruncation = (error: unknown): boolean => isPeekpackError(error) && error.code === "truncated";

/** Whether a job needs the last byte of a request. */
const reachesEnd = ({ ranges }: Job, { end: last }: ByteRange): boolean =>
  ranges.some(({ start, end }) => start < last && end >= last);

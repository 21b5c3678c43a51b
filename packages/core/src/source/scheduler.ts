import { isPeekpackError } from "../errors.js";
import { type Block, type BlockPool, blockCache, blockPool } from "./block-cache.js";
import { joined } from "./body.js";
import { departures } from "./departures.js";
import { linkSpeed } from "./link-speed.js";
import { planRanges } from "./range-plan.js";
import type { ByteRange, RangeSource, ReadOptions } from "./range-source.js";
import { readHeads } from "./read-heads.js";
import { isTable, type RequestEvent, type RequestListener, requestEvent } from "./request-event.js";
import { checkRanges, closedSource } from "./source-error.js";
import { endOfTurn } from "./turn.js";

/** How reads are planned and kept. Sizes in bytes. What is not given follows the latency and rate measured. */
export interface SchedulerOptions {
  /** Size of the object, where it is known without a probe. */
  readonly size?: number | undefined;
  /** Budget for data that was read. 0: nothing is kept. Default 32 MiB. */
  readonly cacheBytes?: number | undefined;
  /** Budget for the header and the table, which data never push out. Default 4 MiB. */
  readonly tableBytes?: number | undefined;
  /** Pins the widest gap that is fetched with what is on both sides. Default: 4 KiB, and up to 1 MiB where it saves time. */
  readonly gap?: number | undefined;
  /** Pins the longest request. Default: 1 to 8 MiB. */
  readonly largest?: number | undefined;
  /** Most bytes fetched ahead of sequential reads. 0: none. Default 4 MiB, less on a slow connection. */
  readonly readAhead?: number | undefined;
}

/** What was read of an object before it had a planner. */
export interface SchedulerStart {
  size: number | undefined;
  /** What has arrived. `table`: it counts against the budget for the header and the table. */
  readonly pieces: { readonly start: number; readonly bytes: Uint8Array; readonly table: boolean }[];
  /** What is on its way for one caller. */
  pending?: Pending | undefined;
  /** Ranges of data that were asked for, the latest last. */
  readonly reads: ByteRange[];
  /** Requests that were made, the latest last. */
  readonly seen: RequestEvent[];
}

interface Pending {
  readonly ranges: readonly ByteRange[];
  readonly answer: Promise<Uint8Array[]>;
  readonly table: boolean;
}

const MiB = 1024 * 1024;

/** What one caller waits for. */
interface Job {
  readonly ranges: readonly ByteRange[];
  readonly read: ReadOptions;
  /** For each range the blocks that hold it. */
  parts: Block[][];
  /** Blocks that are not here yet. */
  readonly missing: Set<Fetch>;
  /** Settles the caller's promise, once. */
  end(error?: unknown, bytes?: Uint8Array[]): void;
  done: boolean;
}

/** A block on its way. */
interface Fetch extends Block {
  readonly controller: AbortController;
  readonly jobs: Set<Job>;
  /** Where it was asked for before there was a planner: what will come of it, for a caller that is not among the jobs. */
  readonly given?: { readonly answer: Promise<Uint8Array>; readonly table: boolean };
}

/**
 * Merges what all callers want in one turn of the event loop into few requests, shares those that are under way, keeps
 * what has arrived, and fetches ahead of sequential reads. A request stops when its last caller has left; what failed is
 * never kept. Requests are made one range at a time: let a limiter and `withRetry` be below. `listener` is told of every
 * request and of every range that memory answers.
 */
export function withScheduler(
  source: RangeSource,
  options: SchedulerOptions = {},
  listener?: RequestListener,
  before?: SchedulerStart,
): RangeSource {
  const { label, limiter } = source;
  const { cacheBytes = 32 * MiB, tableBytes = 4 * MiB, readAhead = 4 * MiB, gap = 4096 } = options;
  const cache = blockCache();
  const dataPool = blockPool(cacheBytes);
  const tablePool = blockPool(tableBytes);
  /** The latest requests, by which the speed of the way is known. */
  const seen: RequestEvent[] = before?.seen ?? [];
  const heads = readHeads();
  const leaving = departures();
  const live = new Set<Fetch>();
  let queue: Job[] = [];
  let { size } = before ?? options;
  let closed = false;

  /** The bytes of ranges whose blocks are all here. */
  const assemble = (ranges: readonly ByteRange[], parts: readonly Block[][]): Uint8Array[] =>
    ranges.map(({ start, end }, i) => {
      const views = parts[i]!.map((block) => {
        cache.touch(block);
        return block.bytes!.subarray(Math.max(0, start - block.start), end - block.start);
      });
      return views.length === 1 ? views[0]! : joined(views);
    });

  /** Passes an event on to whoever listens. */
  const heard = (event: RequestEvent, reads: readonly (ReadOptions | undefined)[]): void => {
    if (event.from === "network" && !event.error && seen.push(event) > 32) seen.shift();
    listener?.(event);
    for (const read of reads) read?.onRequest?.(event);
  };

  /** Says that memory answered. */
  const hit = (range: ByteRange, read: ReadOptions): void => {
    const bytes = range.end - range.start;
    if (bytes === 0 || read.reason === "read-ahead") return;
    heard(requestEvent(label, read, performance.now(), { range, bytes, from: "cache", ms: 0 }), [read]);
  };

  /** Lets a caller go; requests that no one else waits for stop. */
  const leave = (job: Job, error: unknown): void => {
    for (const fetch of job.missing) {
      fetch.jobs.delete(job);
      if (fetch.jobs.size === 0 && live.delete(fetch)) {
        cache.remove(fetch);
        fetch.controller.abort(error);
      }
    }
    job.missing.clear();
    job.end(error);
  };

  /** Reads for one caller only. */
  const alone = (job: Job): void => {
    source.read(job.ranges, { ...job.read, onRequest: (event) => heard(event, [job.read]) }).then(
      (bytes) => job.end(undefined, bytes),
      (error: unknown) => leave(job, error),
    );
  };

  const start = async (fetch: Fetch): Promise<void> => {
    const reads = (): ReadOptions[] => Array.from(fetch.jobs, (job) => job.read);
    const read: ReadOptions = {
      signal: fetch.controller.signal,
      // Callers may join while it waits for its turn.
      get priority() {
        return Math.max(...reads().map(({ priority = 0 }) => priority));
      },
      reason: reads()[0]?.reason,
      onRequest: (event) => heard(event, reads()),
    };
    let failure: unknown;
    try {
      fetch.bytes = await fetch.given?.answer.catch((error: unknown) => {
        // Its own caller may have left: that must not fail those who have joined.
        if (fetch.jobs.size === 0) throw error;
        return undefined;
      });
      if (!fetch.bytes) [fetch.bytes] = await source.read([{ start: fetch.start, end: fetch.end }], read);
    } catch (error) {
      failure = error;
    }
    // Its last caller may have left meanwhile.
    if (!live.delete(fetch)) return;
    // So much is no header or table alone: many child archives that were opened at once, with what lies between.
    const much = fetch.end - fetch.start > tableBytes / 4;
    const table = fetch.given?.table ?? isTable(read);
    if (fetch.bytes) cache.keep(fetch, table && !much ? tablePool : dataPool);
    else cache.remove(fetch);
    for (const job of [...fetch.jobs]) {
      if (fetch.bytes) {
        job.missing.delete(fetch);
        if (job.missing.size === 0) job.end();
      } else if (size === undefined && isPeekpackError(failure) && failure.code === "truncated") {
        // Where the size is unknown, another's range beyond the end must not fail this one.
        alone(job);
      } else {
        leave(job, failure);
      }
    }
  };

  const fetchOf = ({ start, end }: ByteRange, given?: Fetch["given"]): Fetch => {
    const fetch: Fetch = {
      start,
      end,
      controller: new AbortController(),
      jobs: new Set(),
      ...(given && { given }),
    };
    cache.add(fetch);
    live.add(fetch);
    return fetch;
  };

  const plan = (jobs: readonly Job[]): void => {
    const { latencyMs, bytesPerMs } = linkSpeed(seen);
    const fetches = planRanges(
      jobs.flatMap(({ ranges }) => ranges.flatMap((range) => cache.holes(range))),
      {
        gap,
        maxGap: options.gap ?? MiB,
        largest: options.largest ?? Math.min(8 * MiB, Math.max(MiB, 16 * latencyMs * bytesPerMs)),
        concurrency: limiter?.concurrency ?? 6,
        latencyMs,
        bytesPerMs,
        mayJoin: (from, to) => cache.over({ start: from, end: to }).length === 0,
      },
    ).map((span) => fetchOf(span));
    for (const job of jobs) {
      job.parts = job.ranges.map((range) => {
        const blocks = cache.over(range);
        const missing = blocks.filter(({ bytes }) => !bytes) as Fetch[];
        for (const fetch of missing) {
          job.missing.add(fetch);
          fetch.jobs.add(job);
        }
        if (missing.length === 0) hit(range, job.read);
        return blocks;
      });
      if (job.missing.size === 0) job.end();
    }
    for (const fetch of fetches) void start(fetch);
  };

  /** Plans once no more callers come in this turn. */
  const flush = async (): Promise<void> => {
    await endOfTurn(() => queue.length);
    const jobs = queue.filter(({ done }) => !done);
    queue = [];
    // Reading ahead is for those who read one after the other, not for many at once.
    if (jobs.length < 5) for (const { ranges, read } of jobs) goAhead(ranges, read);
    // Apart, so that no one waits for what is fetched ahead.
    for (const ahead of [false, true]) {
      plan(jobs.filter(({ read }) => (read.reason === "read-ahead") === ahead));
    }
  };

  const enqueue = (ranges: readonly ByteRange[], read: ReadOptions): Promise<Uint8Array[]> =>
    new Promise((resolve, reject) => {
      const { signal } = read;
      const aborted = (): void => leave(job, signal!.reason);
      const job: Job = {
        ranges,
        read,
        parts: [],
        missing: new Set(),
        done: false,
        end(error, bytes) {
          if (job.done) return;
          job.done = true;
          if (signal) leaving.delete(signal, aborted);
          if (error === undefined) resolve(bytes ?? assemble(ranges, job.parts));
          else reject(error);
        },
      };
      if (signal) leaving.add(signal, aborted);
      if (queue.push(job) === 1) void flush();
    });

  /** Fetches ahead of sequential reads, as much as arrives in a few latencies. */
  const goAhead = (ranges: readonly ByteRange[], read: ReadOptions): void => {
    if (ranges.length !== 1 || isTable(read) || read.reason === "read-ahead") return;
    const { latencyMs, bytesPerMs } = linkSpeed(seen);
    const inTime = Math.max(65_536, 4 * latencyMs * bytesPerMs);
    const ahead = heads.next(ranges[0]!, Math.min(readAhead, cacheBytes / 4, inTime), size ?? 0);
    if (ahead) enqueue([ahead], { reason: "read-ahead", priority: -1 }).catch(() => {});
  };

  /** Keeps bytes that have arrived, as far as they are not here. */
  const remember = (start: number, bytes: Uint8Array, pool: BlockPool): void => {
    for (const hole of cache.holes({ start, end: start + bytes.length })) {
      const block: Block = { ...hole, bytes: bytes.subarray(hole.start - start, hole.end - start) };
      cache.add(block);
      cache.keep(block, pool);
    }
  };

  if (before) {
    for (const { start, bytes, table } of before.pieces) remember(start, bytes, table ? tablePool : dataPool);
    for (const range of before.reads) heads.next(range, 0, 0);
    const { ranges = [], answer, table = false } = before.pending ?? {};
    for (const [i, range] of ranges.entries()) {
      if (cache.over(range).length === 0) {
        void start(fetchOf(range, { answer: answer!.then((all) => all[i]!), table }));
      }
    }
  }

  return {
    label,
    local: source.local,
    limiter,
    async probe(want, read) {
      if (closed) throw closedSource(label);
      const probe = await source.probe(want, { ...read, onRequest: (event) => heard(event, [read]) });
      size = probe.size;
      remember(0, probe.head, tablePool);
      remember(size - probe.tail.length, probe.tail, tablePool);
      return probe;
    },
    async read(ranges, read = {}) {
      read.signal?.throwIfAborted();
      if (closed) throw closedSource(label);
      checkRanges(label, ranges, size);
      const parts = ranges.map((range) => cache.over(range));
      if (
        ranges.every((range, i) => parts[i]!.every((block) => block.bytes) && cache.holes(range).length === 0)
      ) {
        for (const range of ranges) hit(range, read);
        goAhead(ranges, read);
        return assemble(ranges, parts);
      }
      return enqueue(ranges, read);
    },
    pin(state) {
      source.pin?.(state);
      size = state.size ?? size;
    },
    ...(source.reopen && {
      reopen: () => withScheduler(source.reopen!(), { ...options, size: undefined }, listener),
    }),
    async close() {
      closed = true;
      for (const job of [...queue, ...[...live].flatMap(({ jobs }) => [...jobs])]) {
        leave(job, closedSource(label));
      }
      cache.clear();
      await source.close?.();
    },
  };
}

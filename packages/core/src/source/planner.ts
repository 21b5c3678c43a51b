import { isPeekpackError } from "../errors.js";
import { joined } from "./answer.js";
import { type Block, blockCache, blockPool } from "./block-cache.js";
import { checkRanges, closedSource } from "./byte-range.js";
import { linkMeter } from "./link-meter.js";
import { planRanges } from "./range-plan.js";
import type { ByteRange, RangeSource, ReadOptions } from "./range-source.js";
import { readHeads } from "./read-heads.js";
import type { RequestEvent, RequestListener } from "./request-event.js";

/** How reads are planned and kept. Sizes in bytes. What is not given follows the latency and rate measured. */
export interface PlannerOptions {
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

const MiB = 1024 * 1024;

/** What one caller waits for. */
interface Job {
  readonly ranges: readonly ByteRange[];
  readonly options: ReadOptions;
  /** For each range the blocks that hold it. */
  readonly parts: Block[][];
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
}

/**
 * Merges what all callers want in one turn of the event loop into few requests, shares those that are under way, keeps
 * what has arrived, and fetches ahead of sequential reads. A request stops when its last caller has left; what failed is
 * never kept. Requests are made one range at a time: let a limiter and `withRetry` be below.
 */
export function withPlanner(
  source: RangeSource,
  options: PlannerOptions = {},
  listener?: RequestListener,
): RangeSource {
  const { label } = source;
  const { cacheBytes = 32 * MiB, tableBytes = 4 * MiB, readAhead = 4 * MiB } = options;
  const cache = blockCache();
  const dataPool = blockPool(cacheBytes);
  const tablePool = blockPool(tableBytes);
  const meter = linkMeter();
  const heads = readHeads();
  const live = new Set<Fetch>();
  let queue: Job[] = [];
  let { size } = options;
  let closed = false;

  const poolOf = ({ reason }: ReadOptions): typeof dataPool =>
    reason === "open" || reason === "toc" ? tablePool : dataPool;

  /** Says that memory answered. */
  const hit = ({ start, end }: ByteRange, { reason = "data", onRequest }: ReadOptions): void => {
    if (start === end || reason === "read-ahead") return;
    const event: RequestEvent = {
      label,
      range: { start, end },
      reason,
      attempt: 1,
      from: "cache",
      bytes: end - start,
      startedAt: performance.now(),
      ms: 0,
    };
    listener?.(event);
    onRequest?.(event);
  };

  /** The bytes of a range whose blocks are all here. */
  const assemble = ({ start, end }: ByteRange, blocks: readonly Block[]): Uint8Array => {
    const views = blocks.map((block) => {
      cache.touch(block);
      return block.bytes!.subarray(Math.max(0, start - block.start), Math.max(0, end - block.start));
    });
    return views.length === 1 ? views[0]! : joined(views);
  };

  /** The bytes of every range, where memory has them all. */
  const fromMemory = (ranges: readonly ByteRange[], read: ReadOptions): Uint8Array[] | undefined => {
    const parts = ranges.map(({ start, end }) => (start < end ? cache.over(start, end) : []));
    const here = parts.every((blocks, i) => {
      let at = ranges[i]!.start;
      for (const block of blocks) {
        if (block.start > at || block.bytes === undefined) return false;
        at = block.end;
      }
      return at >= ranges[i]!.end;
    });
    if (!here) return undefined;
    return ranges.map((range, i) => {
      hit(range, read);
      return assemble(range, parts[i]!);
    });
  };

  /** Lets a caller go; requests that no one else waits for stop. */
  const leave = (job: Job, error: unknown): void => {
    for (const fetch of job.missing) {
      fetch.jobs.delete(job);
      if (fetch.jobs.size === 0) {
        live.delete(fetch);
        cache.remove(fetch);
        fetch.controller.abort(error);
      }
    }
    job.missing.clear();
    job.end(error);
  };

  const start = async (fetch: Fetch): Promise<void> => {
    const jobs = [...fetch.jobs].map((job) => job.options);
    const read: ReadOptions = {
      signal: fetch.controller.signal,
      priority: Math.max(...jobs.map(({ priority = 0 }) => priority)),
      reason: jobs.find(({ reason }) => reason !== "read-ahead")?.reason ?? jobs[0]?.reason,
      onRequest(event) {
        meter.observe(event);
        for (const { options } of fetch.jobs) options.onRequest?.(event);
      },
    };
    try {
      const [bytes] = await source.read([{ start: fetch.start, end: fetch.end }], read);
      if (!live.delete(fetch)) return;
      fetch.bytes = bytes!;
      cache.keep(fetch, poolOf(read));
      for (const job of fetch.jobs) {
        job.missing.delete(fetch);
        if (job.missing.size === 0) job.end();
      }
    } catch (error) {
      if (!live.delete(fetch)) return;
      cache.remove(fetch);
      for (const job of [...fetch.jobs]) {
        if (size === undefined && isPeekpackError(error) && error.code === "truncated") alone(job);
        else leave(job, error);
      }
    }
  };

  /** Reads for one caller only: where the size is unknown, another's range beyond the end must not fail this one. */
  const alone = (job: Job): void => {
    source.read(job.ranges, job.options).then(
      (bytes) => job.end(undefined, bytes),
      (error: unknown) => leave(job, error),
    );
  };

  const plan = (jobs: readonly Job[]): void => {
    const missing: ByteRange[] = [];
    for (const { ranges } of jobs) {
      for (const { start, end } of ranges) {
        let at = start;
        for (const block of cache.over(start, end)) {
          if (block.start > at) missing.push({ start: at, end: block.start });
          at = block.end;
        }
        if (at < end) missing.push({ start: at, end });
      }
    }
    const { latencyMs, bytesPerMs } = meter;
    const { gap = 4096, largest = Math.min(8 * MiB, Math.max(MiB, 16 * latencyMs * bytesPerMs)) } = options;
    const fetches = planRanges(missing, {
      gap,
      maxGap: options.gap ?? MiB,
      largest,
      parallel: source.limiter?.parallel ?? 6,
      latencyMs,
      bytesPerMs,
      mayJoin: (from, to) => cache.over(from, to).length === 0,
    }).map(({ start, end }): Fetch => ({ start, end, controller: new AbortController(), jobs: new Set() }));
    for (const fetch of fetches) {
      cache.add(fetch);
      live.add(fetch);
    }
    for (const job of jobs) {
      for (const range of job.ranges) {
        const blocks = range.start < range.end ? cache.over(range.start, range.end) : [];
        job.parts.push(blocks);
        let here = true;
        for (const block of blocks) {
          if (block.bytes !== undefined) continue;
          here = false;
          job.missing.add(block as Fetch);
          (block as Fetch).jobs.add(job);
        }
        if (here) hit(range, job.options);
      }
      if (job.missing.size === 0) job.end();
    }
    for (const fetch of fetches) void start(fetch);
  };

  /** Plans once no more callers come in this turn: as long as promises that settle bring new ones, it waits. */
  const flush = async (): Promise<void> => {
    for (let seen = 0; seen < queue.length; ) {
      seen = queue.length;
      for (let hop = 0; hop < 4; hop++) await undefined;
    }
    const jobs = queue.filter(({ done }) => !done);
    queue = [];
    // Apart, so that no one waits for what is fetched ahead.
    for (const ahead of [false, true]) {
      plan(jobs.filter(({ options: { reason } }) => (reason === "read-ahead") === ahead));
    }
  };

  const enqueue = (ranges: readonly ByteRange[], read: ReadOptions): Promise<Uint8Array[]> =>
    new Promise((resolve, reject) => {
      const { signal } = read;
      const aborted = (): void => leave(job, signal!.reason);
      const job: Job = {
        ranges,
        options: read,
        parts: [],
        missing: new Set(),
        done: false,
        end(error, bytes) {
          if (job.done) return;
          job.done = true;
          signal?.removeEventListener("abort", aborted);
          if (error === undefined) resolve(bytes ?? ranges.map((range, i) => assemble(range, job.parts[i]!)));
          else reject(error);
        },
      };
      signal?.addEventListener("abort", aborted);
      queue.push(job);
      if (queue.length === 1) void flush();
    });

  /** Fetches ahead of sequential reads, as much as arrives in a few latencies. */
  const goAhead = (range: ByteRange): void => {
    if (size === undefined) return;
    const most = Math.min(
      readAhead,
      cacheBytes / 4,
      Math.max(65_536, 4 * meter.latencyMs * meter.bytesPerMs),
    );
    const ahead = heads.next(range, most, size);
    if (ahead) enqueue([ahead], { reason: "read-ahead", priority: -1 }).catch(() => {});
  };

  /** Keeps bytes of first contact. */
  const remember = (start: number, bytes: Uint8Array): void => {
    const end = start + bytes.length;
    if (start === end || cache.over(start, end).length > 0) return;
    const block: Block = { start, end, bytes };
    cache.add(block);
    cache.keep(block, tablePool);
  };

  return {
    label,
    local: source.local,
    limiter: source.limiter,
    async probe(want, read = {}) {
      if (closed) throw closedSource(label);
      const probe = await source.probe(want, {
        ...read,
        onRequest(event) {
          meter.observe(event);
          read.onRequest?.(event);
        },
      });
      size = probe.size;
      const { head, tail } = probe;
      const from = Math.max(head.length, size - tail.length);
      remember(0, head);
      remember(from, tail.subarray(from - (size - tail.length)));
      return probe;
    },
    async read(ranges, read = {}) {
      read.signal?.throwIfAborted();
      if (closed) throw closedSource(label);
      checkRanges(label, ranges, size);
      const here = fromMemory(ranges, read);
      const wait = here ?? enqueue(ranges, read);
      if (ranges.length === 1 && poolOf(read) === dataPool) goAhead(ranges[0]!);
      return wait;
    },
    ...(source.reopen && {
      reopen: () => withPlanner(source.reopen!(), { ...options, size: undefined }, listener),
    }),
    async close() {
      closed = true;
      for (const job of [...queue, ...[...live].flatMap(({ jobs }) => [...jobs])])
        leave(job, closedSource(label));
      cache.clear();
      await source.close?.();
    },
  };
}

import { withAbort } from "./abort.js";
import { seldom } from "./load-seldom.js";
import type { ByteRange, RangeSource, ReadOptions } from "./range-source.js";
import { isTable, type RequestEvent, type RequestListener, requestEvent } from "./request-event.js";
import type { SchedulerOptions, SchedulerStart } from "./scheduler.js";
import { checkRanges, closedSource } from "./source-error.js";
import { endOfTurn } from "./turn.js";

const MiB = 1024 * 1024;

/**
 * The planner, loaded when there is something to plan: until then first contact and lone reads are answered here, a request
 * each. It takes over what has arrived, what is on its way and what is known of the reads so far.
 */
export function withLatePlanner(
  source: RangeSource,
  options: SchedulerOptions,
  listener: RequestListener,
): RangeSource {
  const { label, local, limiter } = source;
  const { cacheBytes, tableBytes, largest = MiB } = options;
  const start: SchedulerStart = { size: options.size, pieces: [], reads: [], seen: [] };
  const { pieces, reads, seen } = start;
  let rare: Awaited<ReturnType<typeof seldom>> | undefined;
  let planner: RangeSource | undefined;
  /** How many reads wait, here or for their answer. */
  let callers = 0;
  const underWay = new Set<AbortController>();
  let closed = false;

  // One promise for all, so that those who came in one turn go on in one.
  let loading: Promise<void> | undefined;
  const load = (): Promise<void> => {
    loading ??= seldom().then(
      (loaded) => {
        rare = loaded;
      },
      () => {
        loading = undefined;
      },
    );
    return loading;
  };
  // In Node nothing is saved by waiting.
  if (globalThis.location === undefined) void load();

  const heard = (event: RequestEvent, read: ReadOptions | undefined): void => {
    if (event.from === "network" && !event.error && seen.length < 32) seen.push(event);
    listener(event);
    read?.onRequest?.(event);
  };

  const check = (signal: AbortSignal | undefined): void => {
    signal?.throwIfAborted();
    if (closed) throw closedSource(label);
  };

  const plan = (): RangeSource | undefined => {
    if (rare) planner ??= rare.withScheduler(source, options, listener, start);
    return planner;
  };

  // A few at most, for when the planner cannot be loaded. It keeps to the budgets.
  const keep = (start: number, bytes: Uint8Array, table: boolean): void => {
    if (pieces.length < 8 && (table ? tableBytes : cacheBytes) !== 0) pieces.push({ start, bytes, table });
  };

  /** A request for one caller alone. */
  const request = async (ranges: readonly ByteRange[], read: ReadOptions): Promise<Uint8Array[]> => {
    const table = isTable(read);
    const [range] = ranges;
    if (range && !table) {
      if (reads.length < 8) reads.push(range);
      // With the second read one may begin to read ahead.
      if (reads.length > 1) void load();
    }
    const pending = {
      ranges,
      table,
      answer: withAbort(read.signal, async (controller) => {
        underWay.add(controller);
        const { signal } = controller;
        try {
          return await source.read(ranges, { ...read, signal, onRequest: (event) => heard(event, read) });
        } finally {
          underWay.delete(controller);
        }
      }),
    };
    start.pending = pending;
    try {
      const all = await pending.answer;
      for (const [i, range] of ranges.entries()) keep(range.start, all[i]!, table);
      return all;
    } finally {
      if (start.pending === pending) start.pending = undefined;
    }
  };

  return {
    label,
    local,
    limiter,
    async probe(want, read) {
      check(undefined);
      if (planner) return planner.probe(want, read);
      const probe = await source.probe(want, { ...read, onRequest: (event) => heard(event, read) });
      start.size = probe.size;
      keep(0, probe.head, true);
      keep(probe.size - probe.tail.length, probe.tail, true);
      return probe;
    },
    async read(ranges, read = {}) {
      check(read.signal);
      if (plan()) return planner!.read(ranges, read);
      checkRanges(label, ranges, start.size);
      const [range] = ranges;
      let many = ranges.length !== 1;
      if (!many) {
        const { start: from, end } = range!;
        for (const { start, bytes } of pieces) {
          if (start <= from && end <= start + bytes.length) {
            const hit = { range, bytes: end - from, from: "cache", ms: 0 } as const;
            if (end > from) heard(requestEvent(label, read, performance.now(), hit), read);
            return [bytes.subarray(from - start, end - start)];
          }
          // What is here of it need not be asked for.
          many ||= start < end && from < start + bytes.length;
        }
        many ||= end - from > largest;
      }
      callers++;
      try {
        // As the planner does.
        await endOfTurn(() => callers);
        if (many || callers > 1) await load();
        check(read.signal);
        return await (plan()?.read(ranges, read) ?? request(ranges, read));
      } finally {
        callers--;
      }
    },
    pin(state) {
      start.size = state.size ?? start.size;
      (planner ?? source).pin?.(state);
    },
    ...(source.reopen && {
      reopen: () => withLatePlanner(source.reopen!(), { ...options, size: undefined }, listener),
    }),
    async close() {
      closed = true;
      for (const controller of underWay) controller.abort(closedSource(label));
      await (planner ?? source).close?.();
    },
  };
}

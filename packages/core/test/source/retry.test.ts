import { patterned, seeded } from "@peekpack/testing/contracts/range-source";
import { describe, expect, it, vi } from "vitest";
import {
  PeekpackError,
  type RangeSource,
  type RequestEvent,
  type RetryOptions,
  readEngine,
  withRetry,
} from "../../src/index.js";
import { hintRetry } from "../../src/internal.js";
import { retryAfter } from "../../src/source/unexpected-response.js";

const bytes = patterned(1_000_000);
const range = { start: 1000, end: 901_000 };

/** A source that fails with one of `faults` for each attempt, and the ranges that were requested. */
function faulty(faults: (unknown | undefined)[]): { source: RangeSource; requested: number[][] } {
  const requested: number[][] = [];
  return {
    requested,
    source: {
      label: "faulty",
      async probe() {
        const fault = faults.shift();
        if (fault !== undefined) throw fault;
        return { size: bytes.length, head: bytes.subarray(0, 1), tail: bytes.subarray(-1) };
      },
      async read([{ start, end } = { start: 0, end: 0 }], options) {
        requested.push([start, end]);
        options?.onRequest?.({
          label: "faulty",
          reason: options.reason ?? "data",
          attempt: 1,
          from: "network",
          bytes: 0,
          startedAt: 0,
          ms: 0,
        });
        const fault = faults.shift();
        if (fault !== undefined) throw fault;
        return [bytes.subarray(start, end)];
      },
    },
  };
}
const network = (hint = {}): PeekpackError => hintRetry(new PeekpackError("network", "no response."), hint);

/** Options with a clock that advances only while sleeping. */
function clocked(options: RetryOptions = {}): { slept: number[]; options: RetryOptions } {
  const slept: number[] = [];
  let time = 0;
  return {
    slept,
    options: {
      random: () => 1,
      now: () => time,
      async sleep(ms) {
        slept.push(ms);
        time += ms;
      },
      ...options,
    },
  };
}

describe("withRetry", () => {
  it("doubles the delay up to a bound and randomizes it", async () => {
    const { slept, options } = clocked({ attempts: 9, maxMs: 1000 });
    const { source } = faulty(Array.from({ length: 8 }, () => network()));
    await withRetry(source, options).read([range]);
    expect(slept).toEqual([100, 200, 400, 800, 1000, 1000, 1000, 1000]);
    const half = clocked({ random: () => 0.5 });
    await withRetry(faulty([network(), network()]).source, half.options).read([range]);
    expect(half.slept).toEqual([50, 100]);
  });

  it("fails after the maximum number of attempts, with the last error as the cause", async () => {
    const { source, requested } = faulty(Array.from({ length: 9 }, () => network()));
    const error = await withRetry(source, clocked({ attempts: 4 }).options)
      .read([range])
      .catch((error: unknown) => error);
    expect(requested).toHaveLength(4);
    expect(error).toMatchObject({
      name: "PeekpackError",
      code: "network",
      message: "no response. Given up after 4 attempts.",
      cause: { code: "network", message: "no response." },
    });
  });

  it("begins no attempt after the total time", async () => {
    const { slept, options } = clocked({ attempts: 100, totalMs: 2000 });
    const { source } = faulty(Array.from({ length: 99 }, () => network()));
    await expect(withRetry(source, options).read([range])).rejects.toMatchObject({ code: "network" });
    expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(2000);
  });

  it("does not count the time in the queue", async () => {
    let time = 0;
    const requested = new Map<number, number>();
    const source: RangeSource = {
      ...faulty([]).source,
      async read([{ start, end } = range]) {
        const times = (requested.get(start) ?? 0) + 1;
        requested.set(start, times);
        // The first takes long while the second is queued. The second fails once.
        if (start === 0) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          time += 100_000;
        } else if (times === 1) throw network();
        return [bytes.subarray(start, end)];
      },
    };
    const engine = readEngine(source, {
      concurrency: 1,
      maxRequestBytes: 1000,
      gap: 0,
      retry: { totalMs: 1000, random: () => 0, now: () => time, sleep: async () => {} },
    });
    const read = await engine.read([
      { start: 0, end: 10 },
      { start: 5000, end: 5010 },
    ]);
    expect(read).toEqual([bytes.subarray(0, 10), bytes.subarray(5000, 5010)]);
    expect([...requested]).toEqual([
      [0, 1],
      [5000, 2],
    ]);
  });

  it("respects Retry-After within a bound", async () => {
    const { slept, options } = clocked({ retryAfterMs: 5000 });
    const { source } = faulty([network({ afterMs: 3000 }), network({ afterMs: 3_600_000 })]);
    await withRetry(source, options).read([range]);
    expect(slept).toEqual([3000, 5000]);
  });

  it("requests only the missing bytes after a part has arrived, and joins them correctly", async () => {
    const random = seeded(5);
    for (let round = 0; round < 50; round++) {
      let at = range.start;
      const expected = [[at, range.end]];
      const faults = Array.from({ length: 3 }, () => {
        const length = Math.floor(random() * 200_000);
        const received = bytes.subarray(at, at + length);
        at += length;
        expected.push([at, range.end]);
        return network({ received });
      });
      const { source, requested } = faulty(faults);
      const [read] = await withRetry(source, clocked().options).read([range]);
      expect(requested).toEqual(expected);
      expect(Buffer.compare(read!, bytes.subarray(range.start, range.end))).toBe(0);
    }
  });

  it("does not count an attempt that received much as a failure", async () => {
    const faults = Array.from({ length: 10 }, (_, i) =>
      network({ received: bytes.subarray(1000 + i * 70_000, 1000 + (i + 1) * 70_000) }),
    );
    const { source, requested } = faulty(faults);
    await withRetry(source, clocked({ attempts: 2 }).options).read([range]);
    expect(requested).toHaveLength(11);
  });

  it("retries a probe", async () => {
    const { source } = faulty([network(), network()]);
    await expect(withRetry(source, clocked().options).probe({ head: 1, tail: 1 })).resolves.toMatchObject({
      size: bytes.length,
    });
  });

  it("does not retry errors that a retry cannot fix", async () => {
    for (const fault of [
      new PeekpackError("not-found", "x"),
      new PeekpackError("denied", "x"),
      new PeekpackError("changed", "x"),
      new PeekpackError("truncated", "x"),
      network({ again: false }),
      new TypeError("a mistake in the source"),
    ]) {
      const { source, requested } = faulty([fault]);
      await expect(withRetry(source, clocked().options).read([range])).rejects.toBe(fault);
      expect(requested).toHaveLength(1);
    }
  });

  it("emits an event for every attempt", async () => {
    const events: RequestEvent[] = [];
    const { source } = faulty([network(), network()]);
    await withRetry(source, clocked().options).read([range], {
      reason: "toc",
      onRequest: (event) => events.push(event),
    });
    expect(events.map(({ reason, attempt }) => [reason, attempt])).toEqual([
      ["toc", 1],
      ["retry", 2],
      ["retry", 3],
    ]);
  });

  it("rejects at once when the caller aborts during a delay, and leaves no timer", async () => {
    vi.useFakeTimers();
    try {
      const { source, requested } = faulty(Array.from({ length: 9 }, () => network()));
      const reason = new Error("aborted");
      const controller = new AbortController();
      const read = withRetry(source, { baseMs: 60_000, maxMs: 60_000, random: () => 0.9 }).read([range], {
        signal: controller.signal,
      });
      const settled = expect(read).rejects.toBe(reason);
      await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
      controller.abort(reason);
      await settled;
      expect(vi.getTimerCount()).toBe(0);
      expect(requested).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("Retry-After", () => {
  const now = Date.parse("Wed, 21 Oct 2015 07:28:00 GMT");
  it("parses seconds and dates", () => {
    expect(retryAfter("120", now)).toBe(120_000);
    expect(retryAfter("0", now)).toBe(0);
    expect(retryAfter("Wed, 21 Oct 2015 07:28:30 GMT", now)).toBe(30_000);
    expect(retryAfter("Wed, 21 Oct 2015 07:27:30 GMT", now)).toBeUndefined();
    for (const invalid of [null, "", "soon", "1.5s"]) expect(retryAfter(invalid, now)).toBeUndefined();
  });
});

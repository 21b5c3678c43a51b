import { countingSignal, patterned, seeded } from "@peekpack/testing/contracts/range-source";
import { describe, expect, it, vi } from "vitest";
import {
  bytesSource,
  type ClosableSource,
  PeekpackError,
  type RangeSource,
  type ReadOptions,
  type RequestEvent,
  type SchedulerOptions,
  withScheduler,
} from "../../src/index.js";
import { slowSource } from "../../src/testing.js";

const bytes = patterned(3_000_000);

interface PendingRequest {
  readonly start: number;
  readonly end: number;
  readonly options: ReadOptions;
  respond(): void;
  fail(error: unknown): void;
}

/** A scheduler over a source that responds when the test says so, and the requests of that source. */
function scheduled(options: SchedulerOptions = {}): {
  source: ClosableSource;
  requests: PendingRequest[];
  events: RequestEvent[];
} {
  const requests: PendingRequest[] = [];
  const events: RequestEvent[] = [];
  const inner: RangeSource = {
    label: "inner",
    async probe({ head, tail }) {
      return { size: bytes.length, head: bytes.subarray(0, head), tail: bytes.subarray(bytes.length - tail) };
    },
    read(ranges, options = {}) {
      expect(ranges).toHaveLength(1);
      const { start, end } = ranges[0]!;
      return new Promise((resolve, reject) => {
        options.signal?.addEventListener("abort", () => reject(options.signal!.reason));
        requests.push({
          start,
          end,
          options,
          respond: () => resolve([bytes.slice(start, end)]),
          fail: reject,
        });
      });
    },
  };
  const source = withScheduler(inner, { size: bytes.length, readAhead: 0, ...options }, (event) =>
    events.push(event),
  );
  return { source, requests, events };
}
const range = (start: number, length: number): { start: number; end: number } => ({
  start,
  end: start + length,
});
const check = (arrays: Uint8Array[], ...ranges: { start: number; end: number }[]): void => {
  expect(arrays.map((array) => Buffer.from(array).toString("hex"))).toEqual(
    ranges.map(({ start, end }) => Buffer.from(bytes.subarray(start, end)).toString("hex")),
  );
};
const offsets = (requests: PendingRequest[]): number[][] => requests.map(({ start, end }) => [start, end]);
const until = async (requests: PendingRequest[], count: number): Promise<void> => {
  await vi.waitFor(() => expect(requests.length).toBeGreaterThanOrEqual(count));
  expect(requests).toHaveLength(count);
};
/** Makes the source respond to every request. Returns a function that stops this. */
const respondAlways = (requests: PendingRequest[]): (() => void) => {
  const timer = setInterval(() => {
    for (const one of requests.splice(0)) one.respond();
  }, 0);
  return () => clearInterval(timer);
};

describe("coalescing", () => {
  it("makes one request of the reads of one task, also of those that follow settled promises", async () => {
    const { source, requests } = scheduled({ gap: 100 });
    await source.probe({ head: 100, tail: 0 });
    const afterSettled = async (): Promise<Uint8Array[]> => {
      await Promise.all([undefined, Promise.resolve()]);
      return source.read([range(1100, 50)]);
    };
    const afterCached = async (): Promise<Uint8Array[]> => {
      await source.read([range(0, 50)]);
      await source.read([range(50, 50)]);
      return source.read([range(1200, 50)]);
    };
    const reads = [
      source.read([range(1000, 50)]),
      afterSettled(),
      afterCached(),
      source.read([range(1020, 100), range(5000, 10)]),
    ];
    await until(requests, 2);
    expect(offsets(requests)).toEqual([
      [1000, 1250],
      [5000, 5010],
    ]);
    for (const one of requests) one.respond();
    check(await reads[0]!, range(1000, 50));
    check(await reads[1]!, range(1100, 50));
    check(await reads[2]!, range(1200, 50));
    check(await reads[3]!, range(1020, 100), range(5000, 10));
  });

  it("splits a long range, and joins its bytes", async () => {
    const { source, requests } = scheduled({ maxRequestBytes: 400_000 });
    const read = source.read([range(100, 1_000_000)]);
    await until(requests, 3);
    for (const one of requests.toReversed()) one.respond();
    check(await read, range(100, 1_000_000));
  });

  it("lets timers run while it joins many blocks, and stops after an abort", async () => {
    const size = 200_000_000;
    const block = new Uint8Array(1_000_000).fill(7);
    const inner: RangeSource = {
      label: "inner",
      probe: () => Promise.reject(new Error("not asked for")),
      read: async ([range]) => [block.subarray(0, range!.end - range!.start)],
    };
    const source = withScheduler(inner, {
      size,
      maxRequestBytes: block.length,
      cacheBytes: size * 2,
      readAhead: 0,
    });
    await source.read([range(0, size)]);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const [all] = await source.read([range(0, size)]);
    expect(ticks).toBeGreaterThan(1);
    expect([all!.length, all![0], all![size - 1]]).toEqual([size, 7, 7]);
    const controller = new AbortController();
    const read = source.read([range(0, size)], { signal: controller.signal });
    setTimeout(() => controller.abort(), 1);
    await expect(read).rejects.toThrow("abort");
    clearInterval(timer);
  });

  it("sends a request with the highest priority of its callers, and their reason", async () => {
    const { source, requests } = scheduled({ gap: 100 });
    void source.read([range(0, 10)], { priority: 1, reason: "toc" });
    void source.read([range(20, 10)], { priority: 7, reason: "toc" });
    await until(requests, 1);
    expect(requests[0]!.options).toMatchObject({ priority: 7, reason: "toc" });
    // A caller that joins a queued request can raise its priority.
    void source.read([range(0, 10)], { priority: 9 });
    await vi.waitFor(() => expect(requests[0]!.options.priority).toBe(9));
    expect(requests).toHaveLength(1);
  });
});

describe("sharing", () => {
  it("shares requests in flight, and requests only the rest", async () => {
    const { source, requests } = scheduled();
    const first = source.read([range(1000, 1000)]);
    await until(requests, 1);
    const second = source.read([range(1500, 1000)]);
    await until(requests, 2);
    expect(offsets(requests)).toEqual([
      [1000, 2000],
      [2000, 2500],
    ]);
    requests[1]!.respond();
    requests[0]!.respond();
    check(await first, range(1000, 1000));
    check(await second, range(1500, 1000));
  });

  it("aborts a request when its last caller has aborted, not before", async () => {
    const { source, requests } = scheduled();
    const [one, two] = [new AbortController(), new AbortController()];
    const reads = [one, two].map(({ signal }) => source.read([range(1000, 1000)], { signal }));
    const results = Promise.allSettled(reads);
    await until(requests, 1);
    one.abort("first aborted");
    await expect(reads[0]).rejects.toBe("first aborted");
    expect(requests[0]!.options.signal!.aborted).toBe(false);
    two.abort("second aborted");
    expect(requests[0]!.options.signal!.aborted).toBe(true);
    expect(await results).toMatchObject([{ reason: "first aborted" }, { reason: "second aborted" }]);
    const again = source.read([range(1000, 10)]);
    await until(requests, 2);
    requests[1]!.respond();
    check(await again, range(1000, 10));
  });

  it("aborts those of a caller's requests that no other caller waits for", async () => {
    const { source, requests } = scheduled();
    const controller = new AbortController();
    const leaving = source.read([range(0, 100), range(500_000, 100)], { signal: controller.signal });
    const staying = source.read([range(50, 20)]);
    await until(requests, 2);
    controller.abort("aborted");
    await expect(leaving).rejects.toBe("aborted");
    expect(requests.map(({ options }) => options.signal!.aborted)).toEqual([false, true]);
    requests[0]!.respond();
    check(await staying, range(50, 20));
  });

  it("makes no request for callers that abort within the batch", async () => {
    const { source, requests } = scheduled();
    const controller = new AbortController();
    const read = source.read([range(0, 100)], { signal: controller.signal });
    controller.abort("aborted");
    await expect(read).rejects.toBe("aborted");
    const other = source.read([range(9000, 10)]);
    await until(requests, 1);
    expect(offsets(requests)).toEqual([[9000, 9010]]);
    requests[0]!.respond();
    await other;
  });

  it("does not cache a failed request, and rejects only the callers that waited for it", async () => {
    const { source, requests } = scheduled();
    const reads = [
      source.read([range(0, 100)]),
      source.read([range(50, 10)]),
      source.read([range(70_000, 10)]),
    ];
    const results = Promise.allSettled(reads);
    await until(requests, 2);
    const error = new PeekpackError("network", "no respond");
    requests[0]!.fail(error);
    requests[1]!.respond();
    expect(await results).toMatchObject([{ reason: error }, { reason: error }, { status: "fulfilled" }]);
    const again = source.read([range(0, 100)]);
    await until(requests, 3);
    requests[2]!.respond();
    check(await again, range(0, 100));
  });

  it("requests a range beyond the end of an object of unknown size only once", async () => {
    const { source, requests } = scheduled({ size: undefined });
    const read = source.read([range(2_999_990, 20)]);
    await until(requests, 1);
    requests[0]!.fail(new PeekpackError("truncated", "the object ends"));
    await expect(read).rejects.toMatchObject({ code: "truncated" });
    expect(requests).toHaveLength(1);
  });

  it("rejects all reads with `closed` on close", async () => {
    const { source, requests } = scheduled();
    const underway = source.read([range(0, 100)]);
    await until(requests, 1);
    const queued = source.read([range(9000, 100)]);
    const results = Promise.allSettled([underway, queued]);
    await source.close!();
    expect(await results).toMatchObject([{ reason: { code: "closed" } }, { reason: { code: "closed" } }]);
    expect(requests[0]!.options.signal!.aborted).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(requests).toHaveLength(1);
  });
});

describe("cache", () => {
  it("serves ranges of earlier requests, and emits an event for each", async () => {
    const { source, requests, events } = scheduled({ gap: 100 });
    const read = source.read([range(1000, 100), range(1150, 100)]);
    await until(requests, 1);
    requests[0]!.respond();
    await read;
    const own: RequestEvent[] = [];
    // The 50 bytes in the gap were fetched too.
    const again = await source.read([range(1050, 150), range(1249, 1)], {
      onRequest: (event) => own.push(event),
    });
    check(again, range(1050, 150), range(1249, 1));
    expect(requests).toHaveLength(1);
    const hits = [
      { from: "cache", bytes: 150, range: range(1050, 150), label: "inner" },
      { from: "cache", bytes: 1 },
    ];
    expect(own).toMatchObject(hits);
    expect(events).toMatchObject(hits);
  });

  it("caches head and tail of the probe, and requests only the bytes between", async () => {
    const { source, requests } = scheduled({ size: undefined });
    await source.probe({ head: 1000, tail: 5000 });
    check(
      await source.read([range(0, 1000), range(2_995_000, 5000)]),
      range(0, 1000),
      range(2_995_000, 5000),
    );
    expect(requests).toHaveLength(0);
    const across = source.read([range(900, 200), range(2_994_000, 2000)]);
    await until(requests, 2);
    expect(offsets(requests)).toEqual([
      [1000, 1100],
      [2_994_000, 2_995_000],
    ]);
    for (const one of requests) one.respond();
    check(await across, range(900, 200), range(2_994_000, 2000));
  });

  it("evicts the least recently used ranges beyond its budget", async () => {
    const { source, requests } = scheduled({ cacheBytes: 3500 });
    const offsets: number[] = [];
    const stop = respondAlways(requests);
    const get = async (start: number): Promise<boolean> => {
      let network = true;
      await source.read([range(start, 1000)], { onRequest: ({ from }) => (network = from !== "cache") });
      offsets.push(start);
      return network;
    };
    try {
      await get(0);
      await get(10_000);
      expect(await get(0)).toBe(false);
      await get(20_000);
      // The range at 0 was used since, the one at 10,000 was not.
      expect(await get(0)).toBe(false);
      expect(await get(10_000)).toBe(true);
    } finally {
      stop();
    }
  });

  it("keeps the table while data are read", async () => {
    const { source, requests } = scheduled({ cacheBytes: 10_000 });
    const stop = respondAlways(requests);
    try {
      await source.read([range(500_000, 9000)], { reason: "toc" });
      for (let at = 0; at < 400_000; at += 9000) await source.read([range(at, 9000)]);
    } finally {
      stop();
    }
    check(await source.read([range(501_000, 100)]), range(501_000, 100));
    expect(requests).toHaveLength(0);
  });

  it("caches nothing without a budget, but shares requests", async () => {
    const { source, requests } = scheduled({ cacheBytes: 0 });
    for (const count of [1, 2]) {
      const reads = [source.read([range(0, 100)]), source.read([range(0, 100)])];
      await until(requests, count);
      requests.at(-1)!.respond();
      check(await reads[1]!, range(0, 100));
      await reads[0];
    }
  });

  it("returns all bytes of a read larger than the cache", async () => {
    const { source, requests } = scheduled({ cacheBytes: 2000, maxRequestBytes: 1000 });
    const read = source.read([range(0, 10_000)]);
    await until(requests, 10);
    for (const one of requests) {
      one.respond();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    check(await read, range(0, 10_000));
  });
});

describe("reopen", () => {
  /** A scheduler over a source of `object.bytes` that can be reopened, and its requests. */
  const reopenable = (object: { bytes: Uint8Array }, options: SchedulerOptions = {}) => {
    const requests: RequestEvent[] = [];
    const inner = (): RangeSource => {
      const { bytes } = object;
      return {
        ...slowSource(bytesSource(bytes), { latencyMs: 0, bytesPerMs: 1e9 }),
        reopen: inner,
      };
    };
    const source = withScheduler(inner(), options, (event) => {
      if (event.from === "network") requests.push(event);
    });
    return { source, requests };
  };

  it("frees the cache of the earlier scheduler, which reads without a cache from then on", async () => {
    const { source, requests } = reopenable({ bytes });
    await source.read([range(0, 1000)]);
    await source.read([range(0, 1000)]);
    expect(requests).toHaveLength(1);
    const fresh = source.reopen!();
    for (const count of [2, 3]) {
      check(await source.read([range(0, 1000)]), range(0, 1000));
      expect(requests).toHaveLength(count);
    }
    await fresh.read([range(0, 1000)]);
    await fresh.read([range(0, 1000)]);
    expect(requests).toHaveLength(4);
  });

  it("completes reads of the earlier scheduler that are in flight", async () => {
    const { source } = reopenable({ bytes });
    const read = source.read([range(0, 1000)]);
    source.reopen!();
    check(await read, range(0, 1000));
  });

  it("does not reuse the size", async () => {
    const object = { bytes: bytes.subarray(0, 1000) };
    const { source } = reopenable(object, { size: 1000 });
    await source.read([range(0, 1000)]);
    object.bytes = bytes;
    check(await source.reopen!().read([range(900, 200)]), range(900, 200));
  });
});

describe("read-ahead", () => {
  const counted = (options: SchedulerOptions = {}): { source: RangeSource; requests: RequestEvent[] } => {
    const requests: RequestEvent[] = [];
    const source = withScheduler(
      slowSource(bytesSource(bytes), { latencyMs: 0, bytesPerMs: 1e9 }),
      options,
      (event) => event.from === "network" && requests.push(event),
    );
    return { source, requests };
  };

  it("needs fewer requests for sequential reads, and requests nothing twice", async () => {
    const { source, requests } = counted();
    await source.probe({ head: 0, tail: 0 });
    for (let at = 0; at < 2_000_000; at += 5000) check(await source.read([range(at, 5000)]), range(at, 5000));
    expect(requests.length).toBeLessThan(100);
    expect(requests.some(({ reason }) => reason === "read-ahead")).toBe(true);
    const total = requests.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(total).toBeLessThanOrEqual(bytes.length + 1);
  });

  it("stays within its budget", async () => {
    const { source, requests } = counted({ readAhead: 100_000 });
    await source.probe({ head: 0, tail: 0 });
    for (let at = 0; at < 1_000_000; at += 5000) await source.read([range(at, 5000)]);
    for (const { bytes, reason } of requests)
      if (reason === "read-ahead") expect(bytes).toBeLessThanOrEqual(150_000);
    const end = Math.max(...requests.map(({ range }) => range?.end ?? 0));
    expect(end).toBeLessThanOrEqual(1_100_000);
  });

  it("does not happen for scattered reads, vectors, the table, or when it is off", async () => {
    const random = seeded(9);
    for (const test of ["scattered", "vector", "table", "off"]) {
      const { source, requests } = counted(test === "off" ? { readAhead: 0 } : {});
      await source.probe({ head: 0, tail: 0 });
      for (let i = 0; i < 100; i++) {
        const at = test === "scattered" ? Math.floor(random() * 2_900_000) : i * 1000;
        await source.read(
          test === "vector" ? [range(at, 500), range(at + 500, 500)] : [range(at, 1000)],
          test === "table" ? { reason: "toc" } : {},
        );
      }
      expect(requests.filter(({ reason }) => reason === "read-ahead")).toEqual([]);
    }
  });

  /** Reads three ranges in sequence. Returns the read-ahead request, which is pending. */
  const readSequence = async (
    { source, requests }: ReturnType<typeof scheduled>,
    signal?: AbortSignal,
  ): Promise<PendingRequest> => {
    const ahead = (): PendingRequest | undefined =>
      requests.find(({ options }) => options.reason === "read-ahead");
    for (let i = 0; i < 3; i++) {
      const read = source.read([range(i * 5000, 5000)], { signal });
      await vi.waitFor(() => expect(requests.filter((one) => one !== ahead())).toHaveLength(i + 1));
      requests.findLast((one) => one !== ahead())!.respond();
      await read;
    }
    await vi.waitFor(() => expect(ahead()).toBeDefined());
    return ahead()!;
  };

  it("stops when the signal of its reader aborts between two reads", async () => {
    const subject = scheduled({ readAhead: 1_000_000 });
    const { controller, signal, listeners } = countingSignal();
    const ahead = await readSequence(subject, signal);
    expect(ahead.options.signal!.aborted).toBe(false);
    controller.abort("done");
    expect(ahead.options.signal!.aborted).toBe(true);
    expect(listeners()).toBe(0);
  });

  it("stops when the last waiting read aborts", async () => {
    const subject = scheduled({ readAhead: 1_000_000 });
    const ahead = await readSequence(subject);
    const [one, two] = [new AbortController(), new AbortController()];
    const reads = [one, two].map(({ signal }, i) =>
      subject.source.read([range(2_000_000 + i, 1)], { signal }),
    );
    const results = Promise.allSettled(reads);
    one.abort("aborted");
    expect(ahead.options.signal!.aborted).toBe(false);
    two.abort("aborted");
    expect(ahead.options.signal!.aborted).toBe(true);
    await results;
  });

  it("continues after an abort if another read waits for its bytes", async () => {
    const subject = scheduled({ readAhead: 1_000_000 });
    const controller = new AbortController();
    const ahead = await readSequence(subject, controller.signal);
    const other = subject.source.read([range(ahead.start + 10, 100)]);
    await new Promise((resolve) => setTimeout(resolve, 0));
    controller.abort("done");
    expect(ahead.options.signal!.aborted).toBe(false);
    ahead.respond();
    check(await other, range(ahead.start + 10, 100));
  });

  it("stops on close", async () => {
    const subject = scheduled({ readAhead: 1_000_000 });
    const ahead = await readSequence(subject);
    await subject.source.close();
    expect(ahead.options.signal!.aborted).toBe(true);
  });
});

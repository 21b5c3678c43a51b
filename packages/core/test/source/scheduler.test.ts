import { patterned, seeded } from "@peekpack/testing/contracts/range-source";
import { describe, expect, it, vi } from "vitest";
import {
  bytesSource,
  PeekpackError,
  type RangeSource,
  type ReadOptions,
  type RequestEvent,
  type SchedulerOptions,
  withScheduler,
} from "../../src/index.js";
import { slowSource } from "../../src/testing.js";

const bytes = patterned(3_000_000);

interface Asked {
  readonly start: number;
  readonly end: number;
  readonly options: ReadOptions;
  answer(): void;
  fail(error: unknown): void;
}

/** A planner over a source that answers when told to, and what that source was asked for. */
function planned(options: SchedulerOptions = {}): {
  source: RangeSource;
  asked: Asked[];
  events: RequestEvent[];
} {
  const asked: Asked[] = [];
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
        asked.push({
          start,
          end,
          options,
          answer: () => resolve([bytes.slice(start, end)]),
          fail: reject,
        });
      });
    },
  };
  const source = withScheduler(inner, { size: bytes.length, readAhead: 0, ...options }, (event) =>
    events.push(event),
  );
  return { source, asked, events };
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
const places = (asked: Asked[]): number[][] => asked.map(({ start, end }) => [start, end]);
const until = async (asked: Asked[], count: number): Promise<void> => {
  await vi.waitFor(() => expect(asked.length).toBeGreaterThanOrEqual(count));
  expect(asked).toHaveLength(count);
};
/** Reads with a source that answers at once. */
const answering = (asked: Asked[]): (() => void) => {
  const timer = setInterval(() => {
    for (const one of asked.splice(0)) one.answer();
  }, 0);
  return () => clearInterval(timer);
};

describe("merging", () => {
  it("makes one request of what callers want in one turn, also those that come a little later in it", async () => {
    const { source, asked } = planned({ gap: 100 });
    const later = async (hops: number, start: number): Promise<Uint8Array[]> => {
      for (let hop = 0; hop < hops; hop++) await undefined;
      return source.read([range(start, 50)]);
    };
    const reads = [
      later(0, 1000),
      later(3, 1100),
      later(7, 1200),
      source.read([range(1020, 100), range(5000, 10)]),
    ];
    await until(asked, 2);
    expect(places(asked)).toEqual([
      [1000, 1250],
      [5000, 5010],
    ]);
    for (const one of asked) one.answer();
    check(await reads[0]!, range(1000, 50));
    check(await reads[1]!, range(1100, 50));
    check(await reads[2]!, range(1200, 50));
    check(await reads[3]!, range(1020, 100), range(5000, 10));
  });

  it("splits what is long, and puts it together", async () => {
    const { source, asked } = planned({ maxRequestBytes: 400_000 });
    const read = source.read([range(100, 1_000_000)]);
    await until(asked, 3);
    for (const one of asked.toReversed()) one.answer();
    check(await read, range(100, 1_000_000));
  });

  it("gives the request the highest priority of its callers, and what they want it for", async () => {
    const { source, asked } = planned({ gap: 100 });
    void source.read([range(0, 10)], { priority: 1, reason: "toc" });
    void source.read([range(20, 10)], { priority: 7, reason: "toc" });
    await until(asked, 1);
    expect(asked[0]!.options).toMatchObject({ priority: 7, reason: "toc" });
    // One who joins while it waits for its turn hurries it on.
    void source.read([range(0, 10)], { priority: 9 });
    await vi.waitFor(() => expect(asked[0]!.options.priority).toBe(9));
    expect(asked).toHaveLength(1);
  });
});

describe("sharing", () => {
  it("waits for what is under way, and asks only for what is not", async () => {
    const { source, asked } = planned();
    const first = source.read([range(1000, 1000)]);
    await until(asked, 1);
    const second = source.read([range(1500, 1000)]);
    await until(asked, 2);
    expect(places(asked)).toEqual([
      [1000, 2000],
      [2000, 2500],
    ]);
    asked[1]!.answer();
    asked[0]!.answer();
    check(await first, range(1000, 1000));
    check(await second, range(1500, 1000));
  });

  it("stops a request when its last caller has left, not before", async () => {
    const { source, asked } = planned();
    const [one, two] = [new AbortController(), new AbortController()];
    const reads = [one, two].map(({ signal }) => source.read([range(1000, 1000)], { signal }));
    const results = Promise.allSettled(reads);
    await until(asked, 1);
    one.abort("first left");
    await expect(reads[0]).rejects.toBe("first left");
    expect(asked[0]!.options.signal!.aborted).toBe(false);
    two.abort("second left");
    expect(asked[0]!.options.signal!.aborted).toBe(true);
    expect(await results).toMatchObject([{ reason: "first left" }, { reason: "second left" }]);
    const again = source.read([range(1000, 10)]);
    await until(asked, 2);
    asked[1]!.answer();
    check(await again, range(1000, 10));
  });

  it("stops those of a caller's requests that no one else waits for", async () => {
    const { source, asked } = planned();
    const controller = new AbortController();
    const leaving = source.read([range(0, 100), range(500_000, 100)], { signal: controller.signal });
    const staying = source.read([range(50, 20)]);
    await until(asked, 2);
    controller.abort("left");
    await expect(leaving).rejects.toBe("left");
    expect(asked.map(({ options }) => options.signal!.aborted)).toEqual([false, true]);
    asked[0]!.answer();
    check(await staying, range(50, 20));
  });

  it("asks for nothing when its callers have left within the turn", async () => {
    const { source, asked } = planned();
    const controller = new AbortController();
    const read = source.read([range(0, 100)], { signal: controller.signal });
    controller.abort("left");
    await expect(read).rejects.toBe("left");
    const other = source.read([range(9000, 10)]);
    await until(asked, 1);
    expect(places(asked)).toEqual([[9000, 9010]]);
    asked[0]!.answer();
    await other;
  });

  it("never keeps what failed, and fails all who waited for it, and no one else", async () => {
    const { source, asked } = planned();
    const reads = [
      source.read([range(0, 100)]),
      source.read([range(50, 10)]),
      source.read([range(70_000, 10)]),
    ];
    const results = Promise.allSettled(reads);
    await until(asked, 2);
    const error = new PeekpackError("network", "no answer");
    asked[0]!.fail(error);
    asked[1]!.answer();
    expect(await results).toMatchObject([{ reason: error }, { reason: error }, { status: "fulfilled" }]);
    const again = source.read([range(0, 100)]);
    await until(asked, 3);
    asked[2]!.answer();
    check(await again, range(0, 100));
  });

  it("ends everything with `closed` when it is closed", async () => {
    const { source, asked } = planned();
    const underway = source.read([range(0, 100)]);
    await until(asked, 1);
    const queued = source.read([range(9000, 100)]);
    const results = Promise.allSettled([underway, queued]);
    await source.close!();
    expect(await results).toMatchObject([{ reason: { code: "closed" } }, { reason: { code: "closed" } }]);
    expect(asked[0]!.options.signal!.aborted).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(asked).toHaveLength(1);
  });
});

describe("keeping", () => {
  it("answers from memory what was read, merged or part of more, and says so", async () => {
    const { source, asked, events } = planned({ gap: 100 });
    const read = source.read([range(1000, 100), range(1150, 100)]);
    await until(asked, 1);
    asked[0]!.answer();
    await read;
    const heard: RequestEvent[] = [];
    // The 50 bytes between came along.
    const again = await source.read([range(1050, 150), range(1249, 1)], {
      onRequest: (event) => heard.push(event),
    });
    check(again, range(1050, 150), range(1249, 1));
    expect(asked).toHaveLength(1);
    const hits = [
      { from: "cache", bytes: 150, range: range(1050, 150), label: "inner" },
      { from: "cache", bytes: 1 },
    ];
    expect(heard).toMatchObject(hits);
    expect(events).toMatchObject(hits);
  });

  it("keeps head and tail of first contact, and asks only for what is between", async () => {
    const { source, asked } = planned({ size: undefined });
    await source.probe({ head: 1000, tail: 5000 });
    check(
      await source.read([range(0, 1000), range(2_995_000, 5000)]),
      range(0, 1000),
      range(2_995_000, 5000),
    );
    expect(asked).toHaveLength(0);
    const across = source.read([range(900, 200), range(2_994_000, 2000)]);
    await until(asked, 2);
    expect(places(asked)).toEqual([
      [1000, 1100],
      [2_994_000, 2_995_000],
    ]);
    for (const one of asked) one.answer();
    check(await across, range(900, 200), range(2_994_000, 2000));
  });

  it("lets go of what was used least lately when the budget is spent", async () => {
    const { source, asked } = planned({ cacheBytes: 3500 });
    const places: number[] = [];
    const stop = answering(asked);
    const get = async (start: number): Promise<boolean> => {
      let network = true;
      await source.read([range(start, 1000)], { onRequest: ({ from }) => (network = from !== "cache") });
      places.push(start);
      return network;
    };
    try {
      await get(0);
      await get(10_000);
      expect(await get(0)).toBe(false);
      await get(20_000);
      // 0 was used since, 10,000 was not.
      expect(await get(0)).toBe(false);
      expect(await get(10_000)).toBe(true);
    } finally {
      stop();
    }
  });

  it("keeps the table whatever data are read", async () => {
    const { source, asked } = planned({ cacheBytes: 10_000 });
    const stop = answering(asked);
    try {
      await source.read([range(500_000, 9000)], { reason: "toc" });
      for (let at = 0; at < 400_000; at += 9000) await source.read([range(at, 9000)]);
    } finally {
      stop();
    }
    check(await source.read([range(501_000, 100)]), range(501_000, 100));
    expect(asked).toHaveLength(0);
  });

  it("keeps nothing without a budget, but shares still", async () => {
    const { source, asked } = planned({ cacheBytes: 0 });
    for (const count of [1, 2]) {
      const reads = [source.read([range(0, 100)]), source.read([range(0, 100)])];
      await until(asked, count);
      asked.at(-1)!.answer();
      check(await reads[1]!, range(0, 100));
      await reads[0];
    }
  });

  it("gives each caller bytes that hold although they leave the cache meanwhile", async () => {
    const { source, asked } = planned({ cacheBytes: 2000, maxRequestBytes: 1000 });
    const read = source.read([range(0, 10_000)]);
    await until(asked, 10);
    for (const one of asked) {
      one.answer();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    check(await read, range(0, 10_000));
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

  it("accelerates under sequential reads, and reads nothing twice", async () => {
    const { source, requests } = counted();
    await source.probe({ head: 0, tail: 0 });
    for (let at = 0; at < 2_000_000; at += 5000) check(await source.read([range(at, 5000)]), range(at, 5000));
    expect(requests.length).toBeLessThan(100);
    expect(requests.some(({ reason }) => reason === "read-ahead")).toBe(true);
    const total = requests.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(total).toBeLessThanOrEqual(bytes.length + 1);
  });

  it("keeps within its budget", async () => {
    const { source, requests } = counted({ readAhead: 100_000 });
    await source.probe({ head: 0, tail: 0 });
    for (let at = 0; at < 1_000_000; at += 5000) await source.read([range(at, 5000)]);
    for (const { bytes, reason } of requests)
      if (reason === "read-ahead") expect(bytes).toBeLessThanOrEqual(150_000);
    const end = Math.max(...requests.map(({ range }) => range?.end ?? 0));
    expect(end).toBeLessThanOrEqual(1_100_000);
  });

  it("leaves scattered reads, vectors and the table alone, and can be off", async () => {
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
});

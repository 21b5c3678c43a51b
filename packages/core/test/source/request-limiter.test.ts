import { countingSignal, seeded } from "@peekpack/testing/contracts/range-source";
import { describe, expect, it } from "vitest";
import { requestLimiter } from "../../src/index.js";

/** A task that ends when the test calls `end`. */
function task(name: string, log: string[]): { run: () => Promise<string>; end: () => void } {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    end,
    async run() {
      log.push(name);
      await ended;
      return name;
    },
  };
}
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe("requestLimiter", () => {
  it("runs the highest priority first, then the oldest", async () => {
    const log: string[] = [];
    const limiter = requestLimiter(1);
    const tasks = (["a", "b", "c", "d", "e"] as const).map((name) => task(name, log));
    const priorities = [0, 0, 5, -1, 5];
    const all = tasks.map(({ run }, i) => limiter.run(run, { priority: priorities[i] }));
    expect(limiter.waiting).toBe(4);
    for (const { end } of tasks) end();
    expect(await Promise.all(all)).toEqual(["a", "b", "c", "d", "e"]);
    expect(log).toEqual(["a", "c", "e", "b", "d"]);
    expect([limiter.running, limiter.waiting]).toEqual([0, 0]);
  });

  it("reads a priority when a slot becomes free: it may rise while the task waits", async () => {
    const limiter = requestLimiter(1);
    const order: string[] = [];
    const options = { priority: -1 };
    let release = (): void => {};
    const first = limiter.run(
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    );
    const others = [
      limiter.run(async () => void order.push("plain")),
      limiter.run(async () => void order.push("rises"), options),
    ];
    options.priority = 1;
    release();
    await Promise.all([first, ...others]);
    expect(order).toEqual(["rises", "plain"]);
  });

  it("never starts a task that aborts while it waits, and rejects at once", async () => {
    const log: string[] = [];
    const limiter = requestLimiter(1);
    const first = task("first", log);
    const running = limiter.run(first.run);
    const { controller, signal } = countingSignal();
    const reason = new Error("aborted");
    const waiting = limiter.run(task("second", log).run, { signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(limiter.run(task("third", log).run, { signal })).rejects.toBe(reason);
    expect(limiter.waiting).toBe(0);
    first.end();
    await running;
    expect(log).toEqual(["first"]);
    const fourth = task("fourth", log);
    const other = countingSignal();
    const last = limiter.run(fourth.run, { signal: other.signal });
    fourth.end();
    await last;
    expect(other.listeners()).toBe(0);
  });

  it("continues after a task fails", async () => {
    const limiter = requestLimiter(1);
    const failing = limiter.run(() => Promise.reject(new Error("failed")));
    const next = limiter.run(async () => "next");
    await expect(failing).rejects.toThrow("failed");
    expect(await next).toBe("next");
  });

  it("never exceeds the concurrency while tasks abort and fail", async () => {
    const random = seeded(11);
    const limiter = requestLimiter(5);
    let running = 0;
    let max = 0;
    await Promise.allSettled(
      Array.from({ length: 2000 }, async (_, i) => {
        const controller = new AbortController();
        if (random() < 0.3) setTimeout(() => controller.abort(), random() * 20);
        const fails = random() < 0.2;
        const wait = random() < 0.5;
        if (i % 7 === 0) await tick();
        await limiter.run(
          async () => {
            max = Math.max(max, ++running);
            if (wait) await tick();
            running--;
            if (fails) throw new Error("failed");
          },
          { signal: controller.signal, priority: Math.floor(random() * 3) },
        );
      }),
    );
    expect(max).toBe(5);
    expect([running, limiter.running, limiter.waiting]).toEqual([0, 0, 0]);
  });

  it("rejects a concurrency that is not a positive integer with RangeError", () => {
    for (const concurrency of [0, -1, 1.5, Number.NaN])
      expect(() => requestLimiter(concurrency)).toThrow(RangeError);
  });
});

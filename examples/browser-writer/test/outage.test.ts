import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Outage, type Waiting } from "../src/write/outage.js";
import { RateMeter } from "../src/write/rate-meter.js";

describe("an outage", () => {
  const page = new EventTarget();

  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
    vi.stubGlobal("navigator", { onLine: true });
    vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
    vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("is waited through for hours, with a try a minute at last", async () => {
    const outage = new Outage();
    const { signal } = new AbortController();
    const waits: number[] = [];
    let tries = 0;
    const begun = ({ since, next }: Waiting): void => {
      expect(since).toBe(0);
      waits.push(next! - Date.now());
    };
    const waiting = (async () => {
      for (; Date.now() < 3 * 3_600_000; tries++) await outage.wait(signal, begun);
    })();
    await vi.advanceTimersByTimeAsync(3 * 3_600_000 + 60_000);
    await waiting;
    expect(waits.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1000));
    expect(tries).toBeGreaterThan(180);
  });

  it("ends as soon as the browser is online, and has no next try before", async () => {
    vi.stubGlobal("navigator", { onLine: false });
    const begun: Waiting[] = [];
    const waiting = new Outage().wait(new AbortController().signal, (state) => begun.push(state));
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(begun).toEqual([{ since: 0, next: undefined }]);
    page.dispatchEvent(new Event("online"));
    await waiting;
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends with the reason of an abort", async () => {
    const controller = new AbortController();
    const waiting = new Outage().wait(controller.signal, () => {});
    const reason = new Error("paused");
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the rate", () => {
  it("does not count what the first sample has, and falls to zero while nothing arrives", () => {
    const meter = new RateMeter();
    meter.add(10_000_000, 0);
    expect(meter.rate(100)).toBe(0);
    meter.add(10_001_000, 1000);
    expect(meter.rate(1000)).toBe(1000);
    expect(meter.rate(4000)).toBe(250);
    expect(meter.rate(7000)).toBe(0);
  });

  it("takes back what a failed request had sent", () => {
    const meter = new RateMeter();
    meter.add(0, 0);
    meter.add(5000, 1000);
    meter.add(0, 2000);
    expect(meter.rate(2000)).toBe(0);
  });
});

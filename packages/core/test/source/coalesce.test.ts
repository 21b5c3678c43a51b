import { seeded } from "@peekpack/testing/contracts/range-source";
import { describe, expect, it } from "vitest";
import { type CoalesceOptions, coalesceRanges } from "../../src/source/coalesce.js";
import type { ByteRange } from "../../src/source/range-source.js";

const options: CoalesceOptions = {
  gap: 0,
  maxGap: 1_000_000,
  maxRequestBytes: 1_000_000,
  concurrency: 6,
  latencyMs: 50,
  bytesPerMs: 10_000,
};
const range = (start: number, end: number): ByteRange => ({ start, end });
const plan = (ranges: ByteRange[], more: Partial<CoalesceOptions> = {}): number[][] =>
  coalesceRanges(ranges, { ...options, ...more }).map(({ start, end }) => [start, end]);

describe("coalesceRanges", () => {
  it("returns no request for empty ranges", () => {
    expect(plan([])).toEqual([]);
    expect(plan([range(5, 5)])).toEqual([]);
  });

  it("coalesces ranges that overlap, touch or are within the gap, in any order", () => {
    expect(plan([range(50, 60), range(0, 10), range(10, 20), range(15, 18), range(0, 3)])).toEqual([
      [0, 20],
      [50, 60],
    ]);
    expect(plan([range(50, 60), range(0, 20)], { gap: 30 })).toEqual([[0, 60]]);
    expect(plan([range(50, 60), range(0, 20)], { gap: 29 })).toEqual([
      [0, 20],
      [50, 60],
    ]);
  });

  it("splits a range longer than maxRequestBytes evenly", () => {
    expect(plan([range(0, 10), range(10, 25)], { maxRequestBytes: 10 })).toEqual([
      [0, 9],
      [9, 18],
      [18, 25],
    ]);
  });

  it("does not coalesce across a gap beyond maxRequestBytes", () => {
    expect(plan([range(0, 60), range(70, 130)], { gap: 20, maxRequestBytes: 100 })).toEqual([
      [0, 60],
      [70, 130],
    ]);
  });

  it("does not coalesce where mayCoalesce is false", () => {
    const mayCoalesce = (from: number): boolean => from !== 20;
    expect(plan([range(0, 10), range(12, 20), range(22, 30)], { gap: 5, mayCoalesce })).toEqual([
      [0, 20],
      [22, 30],
    ]);
  });

  it("does not coalesce requests that can all run at once", () => {
    const six = Array.from({ length: 6 }, (_, i) => range(i * 1000, i * 1000 + 10));
    expect(plan(six)).toHaveLength(6);
  });

  it("fetches the narrowest gap if that saves more latency than its bytes take", () => {
    const seven = [0, 100_000, 200_000, 300_000, 320_000, 400_000, 500_000].map((at) => range(at, at + 10));
    expect(plan(seven)).toEqual([
      [0, 10],
      [100_000, 100_010],
      [200_000, 200_010],
      [300_000, 320_010],
      [400_000, 400_010],
      [500_000, 500_010],
    ]);
    // 20 KB at 10 bytes per millisecond take 2 seconds, a second round of requests takes 50 ms.
    expect(plan(seven, { bytesPerMs: 10 })).toHaveLength(7);
    // A fixed gap is respected.
    expect(plan(seven, { maxGap: 0 })).toHaveLength(7);
    expect(plan(seven, { maxGap: 10_000 })).toHaveLength(7);
  });

  it("makes few requests for fifty ranges on a fast network, and fetches few extra bytes on a slow one", () => {
    const random = seeded(3);
    const fifty = Array.from({ length: 50 }, () => Math.floor(random() * 17_000_000)).map((at) =>
      range(at, at + 9000),
    );
    const bytes = (requests: number[][]): number => requests.reduce((sum, [a, b]) => sum + b! - a!, 0);
    const fast = plan(fifty, {
      latencyMs: 100,
      bytesPerMs: 100_000,
      concurrency: 16,
      maxRequestBytes: 8_000_000,
    });
    expect(fast.length).toBeLessThanOrEqual(16);
    const slow = plan(fifty, { latencyMs: 20, bytesPerMs: 500, concurrency: 16 });
    expect(bytes(slow)).toBeLessThan(1.2 * 50 * 9000);
  });

  it("covers all ranges within all limits for 3,000 random inputs", () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const random = seeded(seed);
      const below = (max: number): number => Math.floor(random() * max);
      const space = 10 ** (1 + below(6));
      const ranges = Array.from({ length: below(60) }, () => {
        const start = below(space);
        return range(start, start + below(space / 10));
      });
      const chosen: CoalesceOptions = {
        gap: below(space / 20),
        maxGap: below(space / 5),
        maxRequestBytes: 1 + below(space),
        concurrency: 1 + below(20),
        latencyMs: random() * 200,
        bytesPerMs: 1 + random() * 10_000,
        mayCoalesce: seed % 3 === 0 ? (from) => from % 2 === 0 : undefined,
      };
      const frozen = Object.freeze(ranges.map((one) => Object.freeze(one)));
      const requests = coalesceRanges(frozen, chosen);
      const context = `seed ${seed}`;
      let last = -1;
      for (const { start, end } of requests) {
        expect(start >= last && start < end && end - start <= chosen.maxRequestBytes, context).toBe(true);
        last = end;
      }
      // Every byte is covered: walk each range through the requests.
      for (const { start, end } of ranges) {
        let at = start;
        for (const request of requests) if (request.start <= at && at < request.end) at = request.end;
        expect(at >= end, context).toBe(true);
      }
      // Extra bytes are only in gaps that are narrow enough and between two ranges.
      const sorted = ranges.filter((one) => one.start < one.end).sort((a, b) => a.start - b.start);
      let covered = -1;
      for (const one of sorted) {
        const between = requests.filter(({ start, end }) => start < one.start && end > covered);
        if (
          covered >= 0 &&
          one.start > covered &&
          between.some(({ end, start }) => end > covered && start < one.start)
        ) {
          expect(one.start - covered <= Math.max(chosen.gap, chosen.maxGap), context).toBe(true);
          expect(chosen.mayCoalesce?.(covered, one.start) ?? true, context).toBe(true);
        }
        covered = Math.max(covered, one.end);
      }
      if (sorted.length > 0) {
        expect(requests[0]!.start, context).toBe(sorted[0]!.start);
        expect(requests.at(-1)!.end, context).toBe(covered);
      }
    }
  });
});

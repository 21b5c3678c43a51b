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
  it("plans nothing for nothing", () => {
    expect(plan([])).toEqual([]);
    expect(plan([range(5, 5)])).toEqual([]);
  });

  it("joins what overlaps, touches or lies within the gap, in whatever order it comes", () => {
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

  it("splits evenly what is longer than the longest request", () => {
    expect(plan([range(0, 10), range(10, 25)], { maxRequestBytes: 10 })).toEqual([
      [0, 9],
      [9, 18],
      [18, 25],
    ]);
  });

  it("does not join across a gap to more than the longest request", () => {
    expect(plan([range(0, 60), range(70, 130)], { gap: 20, maxRequestBytes: 100 })).toEqual([
      [0, 60],
      [70, 130],
    ]);
  });

  it("leaves apart what must not be joined", () => {
    const mayCoalesce = (from: number): boolean => from !== 20;
    expect(plan([range(0, 10), range(12, 20), range(22, 30)], { gap: 5, mayCoalesce })).toEqual([
      [0, 20],
      [22, 30],
    ]);
  });

  it("keeps requests that all run at once apart, however cheap the bytes between", () => {
    const six = Array.from({ length: 6 }, (_, i) => range(i * 1000, i * 1000 + 10));
    expect(plan(six)).toHaveLength(6);
  });

  it("saves a wave of requests where that takes longer than the bytes between, by the narrowest gap", () => {
    const seven = [0, 100_000, 200_000, 300_000, 320_000, 400_000, 500_000].map((at) => range(at, at + 10));
    expect(plan(seven)).toEqual([
      [0, 10],
      [100_000, 100_010],
      [200_000, 200_010],
      [300_000, 320_010],
      [400_000, 400_010],
      [500_000, 500_010],
    ]);
    // 20 KB at 10 bytes a millisecond take 2 seconds, a second wave 50 ms.
    expect(plan(seven, { bytesPerMs: 10 })).toHaveLength(7);
    // A gap that is pinned stays.
    expect(plan(seven, { maxGap: 0 })).toHaveLength(7);
    expect(plan(seven, { maxGap: 10_000 })).toHaveLength(7);
  });

  it("reads fifty places in 17 MB in few waves on a fast connection, and without waste on a slow one", () => {
    const random = seeded(3);
    const fifty = Array.from({ length: 50 }, () => Math.floor(random() * 17_000_000)).map((at) =>
      range(at, at + 9000),
    );
    const bytes = (requests: number[][]): number => requests.reduce((sum, [a, b]) => sum + b! - a!, 0);
    const fast = plan(fifty, { latencyMs: 100, bytesPerMs: 100_000, concurrency: 16, maxRequestBytes: 8_000_000 });
    expect(fast.length).toBeLessThanOrEqual(16);
    const slow = plan(fifty, { latencyMs: 20, bytesPerMs: 500, concurrency: 16 });
    expect(bytes(slow)).toBeLessThan(1.2 * 50 * 9000);
  });

  it("holds its promises for 3,000 random plans", () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const random = seeded(seed);
      const below = (most: number): number => Math.floor(random() * most);
      const space = 10 ** (1 + below(6));
      const wanted = Array.from({ length: below(60) }, () => {
        const start = below(space);
        return range(start, start + below(space / 10));
      });
      const made: CoalesceOptions = {
        gap: below(space / 20),
        maxGap: below(space / 5),
        maxRequestBytes: 1 + below(space),
        concurrency: 1 + below(20),
        latencyMs: random() * 200,
        bytesPerMs: 1 + random() * 10_000,
        mayCoalesce: seed % 3 === 0 ? (from) => from % 2 === 0 : undefined,
      };
      const frozen = Object.freeze(wanted.map((one) => Object.freeze(one)));
      const requests = coalesceRanges(frozen, made);
      const context = `seed ${seed}`;
      let last = -1;
      for (const { start, end } of requests) {
        expect(start >= last && start < end && end - start <= made.maxRequestBytes, context).toBe(true);
        last = end;
      }
      // Every byte wanted is fetched: walk each range through the requests.
      for (const { start, end } of wanted) {
        let at = start;
        for (const request of requests) if (request.start <= at && at < request.end) at = request.end;
        expect(at >= end, context).toBe(true);
      }
      // Whatever is fetched besides lies in a gap no wider than allowed, at whose edges are bytes that are wanted.
      const sorted = wanted.filter((one) => one.start < one.end).sort((a, b) => a.start - b.start);
      let covered = -1;
      for (const one of sorted) {
        const between = requests.filter(({ start, end }) => start < one.start && end > covered);
        if (
          covered >= 0 &&
          one.start > covered &&
          between.some(({ end, start }) => end > covered && start < one.start)
        ) {
          expect(one.start - covered <= Math.max(made.gap, made.maxGap), context).toBe(true);
          expect(made.mayCoalesce?.(covered, one.start) ?? true, context).toBe(true);
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

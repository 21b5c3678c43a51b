import { expect, test } from "vitest";
import { RangeSet } from "../src/archive/range-set.js";

test("counts the bytes of ranges added in any order", () => {
  let state = 7;
  const random = (below: number): number => {
    state = (state * 16807) % 2147483647;
    return state % below;
  };
  for (let round = 0; round < 200; round++) {
    const set = new RangeSet();
    const bytes = new Uint8Array(64);
    for (let i = 0; i < 12; i++) {
      const start = random(64);
      const end = Math.min(64, start + random(12));
      set.add({ start, end });
      bytes.fill(1, start, Math.max(start, end));
      expect(set.bytes).toBe(bytes.reduce((sum, byte) => sum + byte, 0));
      const from = random(64);
      const to = from + random(64 - from);
      expect(set.bytesWithin({ start: from, end: to })).toBe(
        bytes.subarray(from, to).reduce((sum, byte) => sum + byte, 0),
      );
      expect(set.ranges.every((range, n) => n === 0 || range.start > set.ranges[n - 1]!.end)).toBe(true);
    }
  }
});

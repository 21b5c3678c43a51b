import { expect, test } from "vitest";
import { Touched } from "../src/archive/touched.js";

test("ranges in any order make the set that counting bytes makes", () => {
  let state = 7;
  const random = (below: number): number => {
    state = (state * 16807) % 2147483647;
    return state % below;
  };
  for (let round = 0; round < 200; round++) {
    const touched = new Touched();
    const bytes = new Uint8Array(64);
    for (let i = 0; i < 12; i++) {
      const start = random(64);
      const end = Math.min(64, start + random(12));
      touched.add({ start, end });
      bytes.fill(1, start, Math.max(start, end));
      expect(touched.bytes).toBe(bytes.reduce((sum, byte) => sum + byte, 0));
      const from = random(64);
      const to = from + random(64 - from);
      expect(touched.within({ start: from, end: to })).toBe(
        bytes.subarray(from, to).reduce((sum, byte) => sum + byte, 0),
      );
      expect(touched.spans.every((span, n) => n === 0 || span.start > touched.spans[n - 1]!.end)).toBe(true);
    }
  }
});

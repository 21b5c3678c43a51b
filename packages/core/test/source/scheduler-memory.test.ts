import { expect, it } from "vitest";
import { type RangeSource, withScheduler } from "../../src/index.js";
import { liveBytes } from "../heap.js";

const MiB = 2 ** 20;
const SIZE = 256 * MiB;

it("holds no more than its cache after long sequential reads", async () => {
  const inner: RangeSource = {
    label: "inner",
    probe: async ({ head, tail }) => ({
      size: SIZE,
      head: new Uint8Array(head),
      tail: new Uint8Array(tail),
    }),
    read: async (ranges) => ranges.map(({ start, end }) => new Uint8Array(end - start)),
  };
  const source = withScheduler(inner, { cacheBytes: 4 * MiB, readAhead: MiB });
  await source.probe({ head: 50, tail: 0 });
  const before = liveBytes();
  // A read begins in the block that the one before has fetched.
  for (let at = 0; at + MiB < SIZE; at += MiB - 1000) await source.read([{ start: at, end: at + MiB }]);
  expect(liveBytes() - before).toBeLessThan(16 * MiB);
  await source.close();
});

import { patterned } from "@peekpack/testing/contracts/range-source";
import { describe, expect, it } from "vitest";
import { bytesSource, type RequestEvent } from "../../src/index.js";
import { slowSource } from "../../src/testing.js";

const archive = patterned(10_000);

describe("slowSource", () => {
  it("delays each request by a latency and a shared bandwidth", async () => {
    let time = 0;
    const waits: [number, () => void][] = [];
    const source = slowSource(bytesSource(archive), {
      latencyMs: 40,
      jitterMs: 20,
      bytesPerMs: 100,
      random: () => 0.5,
      now: () => time,
      sleep: (ms) => new Promise((resolve) => void waits.push([time + Math.max(0, ms), resolve])),
    });
    const events: RequestEvent[] = [];
    const read = source.read(
      [
        { start: 0, end: 1000 },
        { start: 5000, end: 7000 },
      ],
      { onRequest: (event) => events.push(event) },
    );
    let over = false;
    void read.then(() => {
      over = true;
    });
    while (!over) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      waits.sort(([a], [b]) => a - b);
      const next = waits.shift();
      if (next === undefined) continue;
      time = next[0];
      next[1]();
    }
    expect(events.map(({ ms, firstByteMs, bytes }) => ({ ms, firstByteMs, bytes }))).toEqual([
      { ms: 60, firstByteMs: 50, bytes: 1000 },
      { ms: 80, firstByteMs: 50, bytes: 2000 },
    ]);
  });
});

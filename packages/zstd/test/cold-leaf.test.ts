/** What a real document costs: its size, and the bytes and round trips of one value from afar. Counted, not timed. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { bytesSource, encodeArchive, openArchive, type RequestEvent, type Value } from "@peekpack/core";
import { type SlowSourceOptions, slowSource } from "@peekpack/core/testing";
import { randomNumbers, roundTrips } from "@peekpack/testing";
import { beforeAll, describe, expect, it } from "vitest";
import { zstdSource } from "../src/index.js";
import { compressed } from "./compressed.js";

const KiB = 1024;
const LEAVES = 15;

/** 50 Mbit/s and 50 ms by a clock of its own: how ranges are coalesced depends on the speed, and the machine's may change. */
function fiftyMbits(): SlowSourceOptions {
  let clock = 0;
  return {
    latencyMs: 50,
    bytesPerMs: 6250,
    now: () => clock,
    async sleep(ms) {
      const end = clock + Math.max(0, ms);
      await new Promise((resolve) => setTimeout(resolve));
      clock = Math.max(clock, end);
    },
  };
}

describe("browser-compat-data with a page index, compressed", () => {
  let data: Value;
  let file: Uint8Array;
  beforeAll(async () => {
    const path = createRequire(import.meta.url).resolve("@mdn/browser-compat-data");
    data = JSON.parse(await readFile(path, "utf8")) as Value;
    file = await compressed(encodeArchive(data, { pageIndex: true }));
  }, 60_000);

  it("takes at most 1.4 MB", () => {
    expect(file.length).toBeLessThanOrEqual(1_400_000);
  });

  it("gives a random leaf for 44 KiB in the median, for 54 KiB at most, in three round trips", async () => {
    const costs: number[] = [];
    for (let seed = 0; seed < LEAVES; seed++) {
      const random = randomNumbers(seed);
      const path: string[] = [];
      let leaf: unknown = data;
      while (typeof leaf === "object" && leaf !== null && !Array.isArray(leaf)) {
        const keys = Object.keys(leaf);
        if (keys.length === 0) break;
        path.push(keys[Math.floor(random() * keys.length)]!);
        leaf = (leaf as Readonly<Record<string, unknown>>)[path.at(-1)!];
      }
      const events: RequestEvent[] = [];
      const remote = slowSource(bytesSource(file), fiftyMbits());
      const onRequest = (event: RequestEvent): unknown => event.from === "network" && events.push(event);
      const archive = await openArchive(zstdSource(remote, { onRequest }));
      expect(await archive.read(path)).toEqual(leaf);
      await archive.close();
      expect(roundTrips(events)).toBeLessThanOrEqual(3);
      costs.push(events.reduce((sum, { bytes }) => sum + bytes, 0));
    }
    costs.sort((a, b) => a - b);
    expect(costs[LEAVES >> 1]).toBeLessThanOrEqual(44 * KiB);
    expect(costs.at(-1)).toBeLessThanOrEqual(54 * KiB);
  }, 60_000);
});

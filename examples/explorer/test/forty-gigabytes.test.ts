import { openArchive, readEngine } from "@peekpack/core";
import { expect, it } from "vitest";
import { energyOf, fortyGigabytes, RUNS } from "../src/demo/forty-gigabytes.js";

it("an archive of forty gigabytes gives any number for less than 400 kB, and its bytes do not depend on the range", async () => {
  const archive = await openArchive(readEngine(fortyGigabytes(), { readAhead: 0 }));
  expect(archive.info.size).toBeGreaterThan(40e9);
  for (const run of [0, 1234, RUNS - 1]) {
    expect(await archive.read(`runs/${run}/energy`)).toBe(energyOf(run));
  }
  expect(await archive.read("about")).toMatch(/^40 GB/);
  expect(await archive.size("runs")).toBe(RUNS);
  expect(archive.stats.bytes).toBeLessThan(400_000);
  await archive.close();

  const source = fortyGigabytes();
  const at = 20_000_000_123;
  const [whole] = await source.read([{ start: at, end: at + 100 }]);
  const pieces = await source.read([
    { start: at, end: at + 37 },
    { start: at + 37, end: at + 100 },
  ]);
  expect(Buffer.concat(pieces)).toEqual(Buffer.from(whole!));
});

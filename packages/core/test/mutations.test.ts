import { bytesOfCase, corpus, runCase, seedOfRun } from "@peekpack/testing/fuzz";
import { expect, it } from "vitest";

/** Always the same cases, unless PEEKPACK_SEED asks for others. `npm run fuzz` runs as many as are wanted. */
const seed = process.env.PEEKPACK_SEED ? seedOfRun() : 1;
const COUNT = 10_000;

/** No case takes a hundredth of it; only something endless reaches it, also on a busy machine. */
const ABSURD_MS = 10_000;
const MOST_BYTES = 64 * 1024 * 1024;

it(`${COUNT} damaged archives give values or typed errors, and nothing endless or huge (seed ${seed})`, {
  timeout: 300_000,
}, async () => {
  const archives = await corpus(seed);
  const faults: string[] = [];
  let opened = 0;
  let values = 0;
  let errors = 0;
  for (let number = 0; number < COUNT; number++) {
    const before = process.memoryUsage().arrayBuffers;
    const start = performance.now();
    try {
      const verdict = await runCase(archives, seed, number);
      opened += verdict.opened ? 1 : 0;
      values += verdict.values;
      errors += verdict.errors;
    } catch (error) {
      faults.push(`case ${number}: ${(error as Error).stack}`);
    }
    if (performance.now() - start > ABSURD_MS) faults.push(`case ${number} takes for ever`);
    const grown = process.memoryUsage().arrayBuffers - before;
    if (grown > MOST_BYTES) faults.push(`case ${number} allocates ${grown} bytes`);
  }
  expect(faults).toEqual([]);
  // The cases are worth something: many archives open, and reads go either way.
  expect(opened).toBeGreaterThan(COUNT / 5);
  expect(values).toBeGreaterThan(COUNT);
  expect(errors).toBeGreaterThan(COUNT);
});

it("a case is the same for the same seed and number", async () => {
  const one = bytesOfCase(await corpus(5, 20), 5, 77).bytes;
  const same = bytesOfCase(await corpus(5, 20), 5, 77).bytes;
  const other = bytesOfCase(await corpus(5, 20), 6, 77).bytes;
  expect(same).toEqual(one);
  expect(other).not.toEqual(one);
});

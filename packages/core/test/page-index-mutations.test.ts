import { indexSubjects, runIndexCase } from "@peekpack/testing/fuzz";
import { expect, it } from "vitest";

/** `npm run fuzz -- --index` runs as many as are wanted. */
const SEED = 11;
const COUNT = 1500;
/** Seeds and cases that once gave the value of another item: the table was then read below the wrong node. */
const FOUND = [[777, 646]] as const;

it("a mutated page index with wrong checksums gives the right value; with right ones, that or a typed error", async () => {
  const subjects = await indexSubjects();
  let ignored = 0;
  let values = 0;
  let errors = 0;
  const faults: string[] = [];
  const random = Array.from({ length: COUNT }, (_, i) => [SEED, i] as const);
  for (const [seed, number] of [...FOUND, ...random]) {
    try {
      const verdict = await runIndexCase(subjects, seed, number);
      ignored += verdict.ignored === true ? 1 : 0;
      values += verdict.values;
      errors += verdict.errors;
    } catch (error) {
      faults.push(`case ${number} of ${seed}: ${(error as Error).stack}`);
    }
  }
  expect(faults).toEqual([]);
  // The cases are worth something.
  expect(ignored).toBeGreaterThan(COUNT / 10);
  expect(errors).toBeGreaterThan(COUNT / 10);
  expect(values).toBeGreaterThan(COUNT);
}, 300_000);

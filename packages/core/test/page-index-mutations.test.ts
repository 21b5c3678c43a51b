import { indexSubjects, runIndexCase } from "@peekpack/testing/fuzz";
import { expect, it } from "vitest";

/** `npm run fuzz -- --index` runs as many as are wanted. */
const SEED = 11;
const COUNT = 1500;
/** Cases that once gave the value of another item: pages that overlapped or left a gap, with right checksums. */
const FOUND = [96_528, 107_949, 136_753, 167_416];

it("a mutated page index with wrong checksums gives the right value; with right ones, that or a typed error", async () => {
  const subjects = await indexSubjects();
  let ignored = 0;
  let values = 0;
  let errors = 0;
  const faults: string[] = [];
  for (const number of [...FOUND, ...Array.from({ length: COUNT }, (_, i) => i)]) {
    try {
      const verdict = await runIndexCase(subjects, SEED, number);
      ignored += verdict.ignored === true ? 1 : 0;
      values += verdict.values;
      errors += verdict.errors;
    } catch (error) {
      faults.push(`case ${number}: ${(error as Error).stack}`);
    }
  }
  expect(faults).toEqual([]);
  // The cases are worth something.
  expect(ignored).toBeGreaterThan(COUNT / 10);
  expect(errors).toBeGreaterThan(COUNT / 10);
  expect(values).toBeGreaterThan(COUNT);
}, 300_000);

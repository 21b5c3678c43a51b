import { type Corpus, corpus } from "./corpus.js";
import { exercise, type Verdict } from "./exercise.js";
import { runIndexCase } from "./index-case.js";
import { indexSubjects } from "./index-subjects.js";
import { mutated } from "./mutation.js";
import { Random } from "./random.js";

/** The bytes of one case, deterministic for seed and number. */
export function bytesOfCase(
  corpus: Corpus,
  seed: number,
  number: number,
): { bytes: Uint8Array; random: Random } {
  const random = new Random((seed ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0);
  const bytes = mutated(random, corpus.pick(random), () => corpus.pick(random));
  return { bytes, random };
}

/** Runs one case. @throws any error that a damaged archive must not cause */
export function runCase(corpus: Corpus, seed: number, number: number): Promise<Verdict> {
  const { bytes, random } = bytesOfCase(corpus, seed, number);
  return exercise(random, bytes);
}

/**
 * Prepares the cases of a seed. @returns a function that runs one by its number
 * @param index whether only page indexes are mutated
 */
export async function caseRunner(
  index: boolean,
  seed: number,
): Promise<(number: number) => Promise<Verdict>> {
  if (index) {
    const subjects = await indexSubjects();
    return (number) => runIndexCase(subjects, seed, number);
  }
  const archives = await corpus(seed);
  return (number) => runCase(archives, seed, number);
}

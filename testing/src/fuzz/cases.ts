import type { Corpus } from "./corpus.js";
import { exercise, type Verdict } from "./exercise.js";
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

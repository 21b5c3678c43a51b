import { randomNumbers } from "../faults/rules.js";

/** Random choices, deterministic for a seed. */
export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = randomNumbers(seed);
  }

  /** A number in [0, 1). */
  unit(): number {
    return this.#next();
  }

  /** An integer from `low` to `high`, both inclusive. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.#next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#next() * choices.length)]!;
  }

  /** A length from 0 to `max`, usually small. */
  length(max: number): number {
    return Math.floor(this.#next() ** 3 * (max + 1));
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.integer(0, 255));
  }
}

/** The seed in PEEKPACK_SEED, to reproduce a failure; else a random one. */
export function seedOfRun(): number {
  const named = process.env.PEEKPACK_SEED;
  if (named === undefined || named === "") return Math.floor(Math.random() * 2 ** 31);
  const seed = Number(named);
  if (!Number.isSafeInteger(seed)) throw new RangeError(`PEEKPACK_SEED must be an integer, not ${named}.`);
  return seed;
}

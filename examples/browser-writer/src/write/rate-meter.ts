/** Long enough that the rate does not jump with every part. */
const WINDOW_MS = 5000;
/** Two samples that are closer together say nothing of a rate. */
const MIN_SPAN_MS = 400;

/** Measures bytes per second over the last five seconds. It falls to zero while nothing arrives. */
export class RateMeter {
  #samples: { readonly at: number; readonly bytes: number }[] = [];

  /** Forgets the past: what the next sample has is not counted. */
  restart(): void {
    this.#samples = [];
  }

  /** @param bytes how many there are in all. Fewer than before: those of a failed request count no more */
  add(bytes: number, at: number = performance.now()): void {
    // A failed request takes back what it had sent.
    this.#samples = this.#samples.filter((sample) => sample.bytes <= bytes);
    this.#samples.push({ at, bytes });
  }

  /** Bytes per second. */
  rate(at: number = performance.now()): number {
    while (this.#samples.length > 1 && at - this.#samples[0]!.at > WINDOW_MS) this.#samples.shift();
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || first === last) return 0;
    return ((last.bytes - first.bytes) * 1000) / Math.max(MIN_SPAN_MS, at - first.at);
  }
}

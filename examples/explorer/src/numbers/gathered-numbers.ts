/** Numbers that arrive in parts. */
export class GatheredNumbers {
  readonly values: Float64Array<ArrayBuffer>;
  #count = 0;

  constructor(count: number) {
    this.values = new Float64Array(count);
  }

  /** Takes the next part. @returns whether all numbers have arrived */
  add(part: Float64Array): boolean {
    this.values.set(part, this.#count);
    this.#count += part.length;
    return this.#count === this.values.length;
  }
}

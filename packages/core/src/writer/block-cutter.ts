/** Cuts a list of trivial items into blocks. */
export class BlockCutter {
  readonly #size: number;
  readonly #blocks: number[] = [];
  #start: number;
  #end: number;
  #count = 0;

  /** A block ends with the item that brings it to `size` bytes. The first item begins at `start`. */
  constructor(size: number, start: number) {
    this.#size = size;
    this.#start = start;
    this.#end = start;
  }

  /** Adds the next item, which ends at `end`. */
  item(end: number): void {
    this.#count++;
    this.#end = end;
    if (end - this.#start >= this.#size) this.#cut();
  }

  #cut(): void {
    this.#blocks.push(this.#count, this.#start, this.#end);
    this.#start = this.#end;
    this.#count = 0;
  }

  /** Count, start and end of each block. */
  finish(): readonly number[] {
    if (this.#count > 0) this.#cut();
    return this.#blocks;
  }
}

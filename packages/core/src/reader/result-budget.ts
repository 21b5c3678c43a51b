import { PeekpackError } from "../errors.js";
import type { Limits } from "../limits.js";

/** Bounds everything that one call materializes: items and bytes of all its values together. */
export class ResultBudget {
  readonly #limits: Limits;
  #items: number;
  #bytes: number;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#items = limits.maxItems;
    this.#bytes = limits.maxValueBytes;
  }

  /** The limits for the next value: what is left of the items. */
  remaining(): Limits {
    return { ...this.#limits, maxItems: this.#items };
  }

  /** @throws PeekpackError `limit` if the items of all values exceed `maxItems` */
  take(items: number): void {
    this.#items -= items;
    if (this.#items < 0) {
      throw new PeekpackError(
        "limit",
        `More than ${this.#limits.maxItems} items in one result (limit maxItems).`,
        {
          section: "data",
        },
      );
    }
  }

  /** @throws PeekpackError `limit` if the bytes of all values exceed `maxValueBytes` */
  takeBytes(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#bytes < 0) {
      throw new PeekpackError(
        "limit",
        `More than ${this.#limits.maxValueBytes} bytes in one result (limit maxValueBytes).`,
        { section: "data" },
      );
    }
  }
}

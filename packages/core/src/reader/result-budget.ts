import { PeekpackError } from "../errors.js";
import { TimeSlice } from "../event-loop.js";
import type { Header } from "../format/header.js";
import type { Limits } from "../limits.js";
import { WalkedData } from "./walked-data.js";

/** Bounds everything that one call materializes: items, memory and bytes of all its values together. */
export class ResultBudget {
  readonly #limits: Limits;
  readonly #left: { items: number; heap: number; bytes: number };
  readonly walked: WalkedData;
  readonly #slice: TimeSlice;

  constructor(limits: Limits, walked: WalkedData = new WalkedData(), budget?: ResultBudget) {
    const { maxItems: items, maxHeapBytes: heap, maxValueBytes: bytes } = limits;
    this.#limits = limits;
    this.#left = budget === undefined ? { items, heap, bytes } : budget.#left;
    this.walked = walked;
    this.#slice = budget === undefined ? new TimeSlice() : budget.#slice;
  }

  /** The same budget, for another walk of the call: it may read the same data again. */
  another(): ResultBudget {
    return new ResultBudget(this.#limits, new WalkedData(), this);
  }

  /** The limits for the next value: what is left. */
  remaining(): Limits {
    return { ...this.#limits, maxItems: this.#left.items, maxHeapBytes: this.#left.heap };
  }

  /** Lets other work run before the next value is decoded. @throws the signal's reason after an abort */
  pause(signal: AbortSignal | undefined): undefined | Promise<void> {
    return this.#slice.next(signal);
  }

  /** Counts a value that was decoded. @throws PeekpackError `limit` */
  take(items = 0, heap = 0): void {
    const left = this.#left;
    left.items -= items;
    left.heap -= heap;
    if (left.items < 0) throw this.#beyond("maxItems");
    if (left.heap < 0) throw this.#beyond("maxHeapBytes");
  }

  /**
   * Counts bytes of an archive's data before they are read.
   * @throws PeekpackError `limit`; `corrupt` if the walk reads more of the archive than its data
   */
  takeData(archive: { readonly start: number; readonly header: Header }, bytes: number): void {
    this.walked.take(archive, bytes);
    this.#left.bytes -= bytes;
    if (this.#left.bytes < 0) throw this.#beyond("maxValueBytes");
  }

  #beyond(name: keyof Limits): PeekpackError {
    return new PeekpackError("limit", `One result exceeds ${this.#limits[name]} (limit ${name}).`, {
      section: "data",
    });
  }
}

import type { RangeSource, ReadOptions } from "@peekpack/core";

/** What may be read before a walk asks. */
export interface Allowed {
  readonly bytes: number;
  readonly requests: number;
}

/** Bounds what a walk reads: a request that would exceed the allowance waits until {@link proceed}. */
export class Allowance {
  readonly #each: Allowed;
  readonly #waits: (next: number | undefined) => void;
  readonly #queue: { readonly bytes: number; go(): void }[] = [];
  #bytes = 0;
  #requests = 0;
  #allowed: Allowed;

  /**
   * @param each what is allowed at a time
   * @param waits called with the bytes of the next request when one begins to wait, and with undefined when none does
   */
  constructor(each: Allowed, waits: (next: number | undefined) => void, first: Allowed = each) {
    this.#each = each;
    this.#allowed = first;
    this.#waits = waits;
  }

  /** What was requested so far. */
  get spent(): Allowed {
    return { bytes: this.#bytes, requests: this.#requests };
  }

  /** Bytes of the request that waits. */
  get next(): number | undefined {
    return this.#queue[0]?.bytes;
  }

  /** Allows as much again, and at least the request that waits. */
  proceed(): void {
    this.#allowed = {
      bytes: this.#bytes + Math.max(this.#each.bytes, this.next ?? 0),
      requests: this.#requests + this.#each.requests,
    };
    this.#waits(undefined);
    while (this.#queue.length > 0 && this.#fits(this.next!)) {
      const { bytes, go } = this.#queue.shift()!;
      this.#take(bytes);
      go();
    }
    if (this.#queue.length > 0) this.#waits(this.next);
  }

  /** The same bytes, within the allowance. Belongs below a read engine, so that it sees whole requests. */
  wrap(source: RangeSource): RangeSource {
    const { reopen, pin } = source;
    return {
      label: source.label,
      local: source.local,
      // A queue of its own: requests that wait must not hold up those of other views.
      probe: async (want, options) => {
        await this.#wait(want.head + want.tail, options);
        return source.probe(want, options);
      },
      read: async (ranges, options) => {
        await this.#wait(
          ranges.reduce((sum, { start, end }) => sum + end - start, 0),
          options,
        );
        return source.read(ranges, options);
      },
      ...(reopen && { reopen: () => this.wrap(reopen.call(source)) }),
      ...(pin && { pin: (state) => pin.call(source, state) }),
    };
  }

  #fits(bytes: number): boolean {
    return this.#bytes + bytes <= this.#allowed.bytes && this.#requests < this.#allowed.requests;
  }

  #take(bytes: number): void {
    this.#bytes += bytes;
    this.#requests++;
  }

  #wait(bytes: number, options: ReadOptions | undefined): Promise<void> {
    const signal = options?.signal;
    if (this.#queue.length === 0 && this.#fits(bytes)) {
      this.#take(bytes);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        const at = this.#queue.indexOf(waiting);
        if (at >= 0) this.#queue.splice(at, 1);
        reject(signal?.reason);
      };
      const waiting = {
        bytes,
        go: () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        },
      };
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      signal?.addEventListener("abort", abort, { once: true });
      if (this.#queue.push(waiting) === 1) this.#waits(bytes);
    });
  }
}

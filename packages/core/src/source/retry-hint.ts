import type { Refusal } from "./range-transport.js";

/** What a source tells `withRetry` besides its error. */
export interface RetryHint {
  /** Whether a retry may help. Default: whether the code is `network`. */
  readonly again?: boolean | undefined;
  /** Delay that the server asks for, in milliseconds. */
  readonly afterMs?: number | undefined;
  /** The beginning of the range, if it arrived and the version is pinned: a retry asks for the rest only. */
  readonly received?: Uint8Array | undefined;
  /** Why the server refused, if a new authorization may help. */
  readonly refusal?: Refusal | undefined;
}

/** Key of a registered symbol, so that two copies of this package recognize each other's hints. */
const key = "peekpack.retry";

/** Attaches a hint to an error and returns the error. */
export function hintRetry<E extends Error>(error: E, hint: RetryHint): E {
  return Object.defineProperty(error, Symbol.for(key), { value: hint });
}

/** The hint attached to an error, if any. */
export function retryHint(error: unknown): RetryHint | undefined {
  return error instanceof Error
    ? (error as Error & { [name: symbol]: RetryHint | undefined })[Symbol.for(key)]
    : undefined;
}

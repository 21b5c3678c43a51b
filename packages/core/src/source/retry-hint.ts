import type { Refusal } from "./range-transport.js";

/** What a source can tell `withRetry` beside its error. */
export interface RetryHint {
  /** Whether asking again may help. Without a hint: whether the code is `network`. */
  readonly again?: boolean | undefined;
  /** How long the server asks to wait, in milliseconds. */
  readonly afterMs?: number | undefined;
  /** The beginning of the range that did arrive, of a pinned version, so that only the rest need be asked for. */
  readonly received?: Uint8Array | undefined;
  /** Why the server refused, where another authorization may help. */
  readonly refusal?: Refusal | undefined;
}

/** Registered, so that two copies of this package understand each other. */
const key = "peekpack.retry";

/** Attaches a hint to an error and returns the error. */
export function hintRetry<E extends Error>(error: E, hint: RetryHint): E {
  return Object.defineProperty(error, Symbol.for(key), { value: hint });
}

/** The hint that came with an error, if one did. */
export function retryHint(error: unknown): RetryHint | undefined {
  return error instanceof Error
    ? (error as Error & { [name: symbol]: RetryHint | undefined })[Symbol.for(key)]
    : undefined;
}

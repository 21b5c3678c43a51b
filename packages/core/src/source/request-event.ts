import { type ErrorCode, isPeekpackError } from "../errors.js";
import type { ByteRange, ReadOptions } from "./range-source.js";

/** What bytes are wanted for. */
export type ReadReason = "open" | "toc" | "data" | "read-ahead" | "retry";

/** One request that has ended, or one read that memory answered. Holds no query string and no credential. */
export interface RequestEvent {
  /** Label of the source. */
  readonly label: string;
  /** The bytes asked for. Absent where a suffix was asked for and no answer has told the size. */
  readonly range?: ByteRange | undefined;
  /** How many last bytes were asked for, where the request was for a suffix. */
  readonly suffix?: number | undefined;
  /** What the bytes are wanted for; `retry` from the second attempt on. */
  readonly reason: ReadReason;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Who answered. */
  readonly from: "network" | "cache";
  /** Bytes of the body that arrived, or that memory gave. */
  readonly bytes: number;
  /** When the request left, in milliseconds of `performance.now()`. */
  readonly startedAt: number;
  /** How long it took to its last byte, in milliseconds. */
  readonly ms: number;
  /** How long it took to the head of the answer, in milliseconds. */
  readonly firstByteMs?: number | undefined;
  /** HTTP status, where there was an answer over HTTP. */
  readonly status?: number | undefined;
  /** What went wrong; `aborted` when the caller left. */
  readonly error?: ErrorCode | "aborted" | undefined;
}

/** Takes the events of requests. It must not throw. */
export type RequestListener = (event: RequestEvent) => void;

/** An event of a request that began at `startedAt` and ends now. */
export function requestEvent(
  label: string,
  { reason = "data" }: ReadOptions,
  startedAt: number,
  more: Partial<RequestEvent> & { readonly bytes: number },
): RequestEvent {
  return {
    label,
    reason,
    attempt: 1,
    from: "network",
    startedAt,
    ms: performance.now() - startedAt,
    ...more,
  };
}

/** How an event names an error. */
export function errorOf(error: unknown): RequestEvent["error"] {
  return isPeekpackError(error) ? error.code : error === undefined ? error : "aborted";
}

/** Whether the header or the table is read. */
export function isTable({ reason }: ReadOptions): boolean {
  return reason === "open" || reason === "toc";
}

import { type ErrorCode, isPeekpackError } from "../errors.js";
import type { ByteRange } from "./byte-range.js";

/** Why bytes are read. */
export type ReadReason = "open" | "toc" | "data" | "read-ahead" | "retry";

/** One request that has ended, or one read that a cache served. Contains no query string and no credential. */
export interface RequestEvent {
  /** Label of the source. */
  readonly label: string;
  /** The requested bytes. Absent for a suffix if no response has told the size. */
  readonly range?: ByteRange | undefined;
  /** The requested number of last bytes, if the request was for a suffix. */
  readonly suffix?: number | undefined;
  /** Why the bytes are read; `retry` from the second attempt on. */
  readonly reason: ReadReason;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** What served the bytes. */
  readonly from: "network" | "cache";
  /** Bytes of the body that arrived, or that the cache served. */
  readonly bytes: number;
  /** When the request was sent, in milliseconds of `performance.now()`. */
  readonly startedAt: number;
  /** Time to the last byte, in milliseconds. */
  readonly ms: number;
  /** Time to the response headers, in milliseconds. */
  readonly firstByteMs?: number | undefined;
  /** HTTP status, if there was an HTTP response. */
  readonly status?: number | undefined;
  /** What went wrong; `aborted` if the caller aborted. */
  readonly error?: ErrorCode | "aborted" | undefined;
}

/** Receives the events of requests. It must not throw. */
export type RequestListener = (event: RequestEvent) => void;

/** Makes the event of a request that began at `startedAt` and ends now. */
export function requestEvent(
  label: string,
  { reason = "data" }: { readonly reason?: ReadReason | undefined },
  startedAt: number,
  details: Partial<RequestEvent> & { readonly bytes: number },
): RequestEvent {
  return {
    label,
    reason,
    attempt: 1,
    from: "network",
    startedAt,
    ms: performance.now() - startedAt,
    ...details,
  };
}

/** The `error` field of an event. */
export function eventError(error: unknown): RequestEvent["error"] {
  return isPeekpackError(error) ? error.code : error === undefined ? error : "aborted";
}

/** Whether the header or the table of contents is read. */
export function isTableRead({ reason }: { readonly reason?: ReadReason | undefined }): boolean {
  return reason === "open" || reason === "toc";
}

/** What went wrong, as data: the one set of codes that every peekpack package uses. */
export type ErrorCode =
  /** The bytes do not begin with the archive's magic. */
  | "not-an-archive"
  /** The writer never finished: the header's fields are zero. */
  | "unfinished"
  /** Bytes that the archive announces are missing. */
  | "truncated"
  /** The structure contradicts itself, or bytes do not decode. */
  | "corrupt"
  /** A safety limit was met; `limits` in the options raises it. */
  | "limit"
  /** A missing key, an index out of range, an object that is not there. */
  | "not-found"
  /** The path does not fit what it is applied to, or a slice is malformed. */
  | "bad-path"
  /** A value that the format or the codec cannot hold. */
  | "unsupported-value"
  /** Two children, or a child and one that is already there, share a name. */
  | "duplicate-name"
  /** The object is no longer the one that was first seen. */
  | "changed"
  /** `put: "create"` met an object that is already there. */
  | "exists"
  /** Two writers collided, and the server asks to try again. */
  | "conflict"
  /** The server refused: signature, permission, expired URL. */
  | "denied"
  /** No usable response: DNS, reset, timeout, 5xx after every retry, a response that breaks HTTP's rules. */
  | "network"
  /** No room: disk, origin quota, or a limit on the spool. */
  | "quota"
  /** The archive, source or sink was closed. */
  | "closed";

/** The part of an archive, or of its surroundings, that an error is about. */
export type ErrorSection = "header" | "toc" | "data" | "source" | "sink" | "spool";

/** What an error carries besides its message. */
export interface ErrorDetails {
  /** The part of the archive, or of its surroundings, at fault. */
  readonly section?: ErrorSection | undefined;
  /** Byte offset within the object or file, where one is known. */
  readonly offset?: number | undefined;
  /** Keys and indices from the root to the value at fault. */
  readonly path?: readonly unknown[] | undefined;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/**
 * The one error class of peekpack. Look at `code`, never at the message: messages are for people and may change.
 * No message, path or cause holds a credential or the query part of a URL.
 *
 * Caller mistakes in argument types are `TypeError` or `RangeError` instead, and an abort rejects with the
 * signal's own reason.
 */
export class PeekpackError extends Error {
  /** What went wrong. */
  readonly code: ErrorCode;
  /** The part of the archive, or of its surroundings, at fault. */
  readonly section: ErrorSection | undefined;
  /** Byte offset within the object or file, where one is known. */
  readonly offset: number | undefined;
  /** Keys and indices from the root to the value at fault. */
  readonly path: readonly unknown[] | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "PeekpackError";
    this.code = code;
    this.section = details.section;
    this.offset = details.offset;
    this.path = details.path;
  }
}

/** Whether `error` is a {@link PeekpackError}, also one that another copy of this package threw. */
export function isPeekpackError(error: unknown): error is PeekpackError {
  return error instanceof Error && error.name === "PeekpackError" && "code" in error;
}

/** A URL without user, password, query and fragment: fit for labels, messages and cache keys. */
export function publicUrl(url: string | URL): string {
  const text = String(url);
  try {
    const parsed = new URL(text);
    return parsed.origin === "null"
      ? `${parsed.protocol}${parsed.pathname}`
      : `${parsed.origin}${parsed.pathname}`;
  } catch {
    return text.replace(/[?#].*$/s, "").replace(/\/\/[^/@]*@/, "//");
  }
}

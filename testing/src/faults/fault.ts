import type { SeenRequest } from "./request.js";

/** Headers of an answer by lower-case name, to be changed in place. */
export type AnswerHeaders = Record<string, string>;

/**
 * One thing that goes wrong with a request.
 *
 * - `reset`: the connection is reset. `before`: nothing is forwarded. `request`: after that many bytes of the request's
 *   body. `answered`: the server has done what was asked, and no word of it reaches the client. `headers`: after the
 *   answer's headers. `within`: after that many bytes of the answer's body. `after`: after the whole body.
 * - `stall`: nothing passes for that long, or until the client gives up: before the request is forwarded, after the
 *   answer's headers, or after that many bytes of its body.
 * - `answer`: the proxy answers by itself, with S3's XML where a code is given.
 * - `whole`: the range is ignored: 200 with all of the object.
 * - `body`: the answer's body is shorter, longer, or that of a range that lies so many bytes further on. "told": the
 *   header tells what is sent; "kept": it says what the server said.
 * - `headers`: headers of the answer are changed.
 * - `gzip`: the answer's body is compressed.
 * - `do`: something happens, and the request waits for it: before the request is forwarded (the object is replaced,
 *   say), when so many bytes of its body have been, or when the server has answered. Where it gives "reset", the
 *   connection is reset then, and nothing more passes on.
 */
export type Fault =
  | {
      readonly kind: "reset";
      readonly at: "before" | "request" | "answered" | "headers" | "within" | "after";
      readonly bytes?: number | undefined;
    }
  | {
      readonly kind: "stall";
      readonly at: "before" | "headers" | "within";
      readonly bytes?: number | undefined;
      /** Without it, for ever. */
      readonly ms?: number | undefined;
    }
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly code?: string | undefined;
      readonly message?: string | undefined;
      readonly headers?: Readonly<AnswerHeaders> | undefined;
    }
  | { readonly kind: "whole" }
  | {
      readonly kind: "body";
      readonly change: "short" | "long" | "shifted";
      readonly bytes: number;
      readonly contentLength: "told" | "kept";
      readonly contentRange: "told" | "kept";
    }
  | { readonly kind: "headers"; readonly name: string; readonly edit: (headers: AnswerHeaders) => void }
  | { readonly kind: "gzip" }
  | {
      readonly kind: "do";
      /** Default "before". */
      readonly at?: "before" | "request" | "answered" | undefined;
      readonly bytes?: number | undefined;
      readonly what: Happening;
    };

/** What happens at a request. Gives "reset" to have the connection reset then; anything else counts for nothing. */
export type Happening = (request: SeenRequest) => unknown;

/** Which headers tell of a body that was changed. Default: both do. */
export interface BodyHeaders {
  readonly contentLength?: "told" | "kept" | undefined;
  readonly contentRange?: "told" | "kept" | undefined;
}

const body = (change: "short" | "long" | "shifted", bytes: number, headers: BodyHeaders): Fault => ({
  kind: "body",
  change,
  bytes,
  contentLength: headers.contentLength ?? "told",
  contentRange: headers.contentRange ?? "told",
});

const edit = (name: string, change: (headers: AnswerHeaders) => void): Fault => ({
  kind: "headers",
  name,
  edit: change,
});

/** Moves a Content-Range by so many bytes, or changes its total. */
export function movedContentRange(value: string, by: { shift?: number; size?: number }): string {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(value);
  if (match === null) return value;
  const [first, last, total] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const { shift = 0, size = 0 } = by;
  return `bytes ${first + shift}-${last + shift}/${total + size}`;
}

/** Every fault by its name in tests. */
export const faults = {
  /** The connection is reset before anything is forwarded. */
  resetBefore: (): Fault => ({ kind: "reset", at: "before" }),
  /** The connection is reset after so many bytes of the request's body. */
  resetInRequest: (bytes: number): Fault => ({ kind: "reset", at: "request", bytes }),
  /** The server has done it, and the client is not told. */
  resetAnswered: (): Fault => ({ kind: "reset", at: "answered" }),
  /** The connection is reset after the answer's headers. */
  resetAfterHeaders: (): Fault => ({ kind: "reset", at: "headers" }),
  /** The connection is reset after so many bytes of the answer's body; by default half of them. */
  resetWithin: (bytes?: number): Fault => ({ kind: "reset", at: "within", bytes }),
  /** The connection is reset after the whole body. */
  resetAfter: (): Fault => ({ kind: "reset", at: "after" }),
  /** Nothing is forwarded for so long, or ever. */
  stallBefore: (ms?: number): Fault => ({ kind: "stall", at: "before", ms }),
  /** Nothing follows the answer's headers for so long, or ever. */
  stallAfterHeaders: (ms?: number): Fault => ({ kind: "stall", at: "headers", ms }),
  /** Nothing follows so many bytes (undefined: half) of the answer's body, for so long, or ever. */
  stallWithin: (bytes?: number, ms?: number): Fault => ({ kind: "stall", at: "within", bytes, ms }),
  /** 500 InternalError. */
  serverError: (): Fault => ({
    kind: "answer",
    status: 500,
    code: "InternalError",
    message: "We encountered an internal error. Please try again.",
  }),
  /** 503 SlowDown. */
  slowDown: (): Fault => ({
    kind: "answer",
    status: 503,
    code: "SlowDown",
    message: "Please reduce your request rate.",
  }),
  /** 429 with Retry-After, in seconds or as a date. */
  tooManyRequests: (retryAfter: number | Date): Fault => ({
    kind: "answer",
    status: 429,
    code: "TooManyRequests",
    message: "Too many requests.",
    headers: { "retry-after": retryAfter instanceof Date ? retryAfter.toUTCString() : String(retryAfter) },
  }),
  /** 403, as S3 answers to a presigned URL that has expired. */
  expired: (): Fault => ({
    kind: "answer",
    status: 403,
    code: "AccessDenied",
    message: "Request has expired",
  }),
  /** 403, as S3 answers to temporary credentials that have expired: 400 ExpiredToken. */
  expiredToken: (): Fault => ({
    kind: "answer",
    status: 400,
    code: "ExpiredToken",
    message: "The provided token has expired.",
  }),
  /** 200 with the whole object, whatever range was asked for. */
  wholeBody: (): Fault => ({ kind: "whole" }),
  /** So many bytes fewer. With `contentLength: "kept"` the connection ends before the announced end. */
  shortBody: (bytes: number, headers: BodyHeaders = {}): Fault => body("short", bytes, headers),
  /** So many bytes more, of no meaning. */
  longBody: (bytes: number, headers: BodyHeaders = {}): Fault => body("long", bytes, headers),
  /** The bytes that lie so much further on. With `contentRange: "kept"` nothing in the answer shows it. */
  shiftedBody: (bytes: number, headers: BodyHeaders = {}): Fault => body("shifted", bytes, headers),
  /** A Content-Range that lies so many bytes beside the one asked for, with the right body. */
  wrongContentRange: (shift: number): Fault =>
    edit("wrong Content-Range", (headers) => {
      headers["content-range"] = movedContentRange(headers["content-range"] ?? "", { shift });
    }),
  /** A Content-Range whose total is so much larger than the object. */
  wrongTotal: (size: number): Fault =>
    edit("wrong total", (headers) => {
      headers["content-range"] = movedContentRange(headers["content-range"] ?? "", { size });
    }),
  /** A Content-Range that is not one. */
  garbledContentRange: (): Fault =>
    edit("garbled Content-Range", (headers) => {
      headers["content-range"] = "bytes of some kind";
    }),
  missingContentRange: (): Fault =>
    edit("missing Content-Range", (headers) => {
      delete headers["content-range"];
    }),
  missingETag: (): Fault =>
    edit("missing ETag", (headers) => {
      delete headers.etag;
    }),
  /** The ETag of another object. */
  changedETag: (): Fault =>
    edit("changed ETag", (headers) => {
      headers.etag = '"0123456789abcdef0123456789abcdef"';
    }),
  weakETag: (): Fault =>
    edit("weak ETag", (headers) => {
      if (headers.etag !== undefined) headers.etag = `W/${headers.etag}`;
    }),
  gzip: (): Fault => ({ kind: "gzip" }),
  /** Something happens before the request is forwarded. */
  before: (what: Happening): Fault => ({ kind: "do", what }),
  /**
   * Something happens when so many bytes of the request's body have been forwarded. Undefined: when all have been, and
   * the server may be at work, or done.
   */
  within: (what: Happening, bytes?: number): Fault => ({ kind: "do", at: "request", bytes, what }),
  /** Something happens when the server has done what was asked, and before the client is told. */
  answered: (what: Happening): Fault => ({ kind: "do", at: "answered", what }),
} as const;

/** A fault's name, for records. */
export function faultName(fault: Fault): string {
  switch (fault.kind) {
    case "reset":
    case "stall":
      return `${fault.kind} ${fault.at}`;
    case "answer":
      return `${fault.status} ${fault.code ?? ""}`.trim();
    case "body":
      return `${fault.change} body`;
    case "headers":
      return fault.name;
    case "do":
      return fault.at === undefined ? "do" : `do ${fault.at}`;
    default:
      return fault.kind;
  }
}

/** An endpoint whose name no DNS resolves. */
export const UNRESOLVABLE_ENDPOINT = "http://does-not-exist.invalid";

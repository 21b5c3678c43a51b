import type { SeenRequest } from "./request.js";

/** Headers of a response by lower-case name, changed in place. */
export type ResponseHeaders = Record<string, string>;

/**
 * One thing that goes wrong with a request.
 *
 * - `reset`: the connection is reset. `before`: nothing is forwarded. `request`: after `bytes` of the request's body.
 *   `processed`: the server has processed the request, and the client gets nothing of the response. `headers`: after the
 *   response's headers. `within`: after `bytes` of the response's body. `after`: after the whole body.
 * - `stall`: nothing is sent for `ms`, or until the client gives up. `before`: the request is not forwarded. `headers`:
 *   after the response's headers. `within`: after `bytes` of its body.
 * - `response`: the proxy responds by itself, with an S3 error document if `code` is given.
 * - `whole`: the range is ignored: 200 with the whole object.
 * - `body`: the response's body is shorter or longer by `bytes`, or is that of a range `bytes` further on. Each of the two
 *   headers is "updated" to fit the changed body, or keeps its "original" value.
 * - `headers`: the response's headers are changed.
 * - `gzip`: the response's body is compressed.
 * - `action`: the proxy runs a callback and waits for it. `before`: before the request is forwarded (to replace the object,
 *   for example). `request`: after `bytes` of the request's body. `processed`: once the server has responded. If the
 *   callback returns "reset", the connection is reset and nothing more is sent.
 */
export type Fault =
  | {
      readonly kind: "reset";
      readonly at: "before" | "request" | "processed" | "headers" | "within" | "after";
      readonly bytes?: number | undefined;
    }
  | {
      readonly kind: "stall";
      readonly at: "before" | "headers" | "within";
      readonly bytes?: number | undefined;
      /** Default: for ever. */
      readonly ms?: number | undefined;
    }
  | {
      readonly kind: "response";
      readonly status: number;
      readonly code?: string | undefined;
      readonly message?: string | undefined;
      readonly headers?: Readonly<ResponseHeaders> | undefined;
    }
  | { readonly kind: "whole" }
  | {
      readonly kind: "body";
      readonly change: "short" | "long" | "shifted";
      readonly bytes: number;
      readonly contentLength: "updated" | "original";
      readonly contentRange: "updated" | "original";
    }
  | { readonly kind: "headers"; readonly name: string; readonly edit: (headers: ResponseHeaders) => void }
  | { readonly kind: "gzip" }
  | {
      readonly kind: "action";
      /** Default "before". */
      readonly at?: "before" | "request" | "processed" | undefined;
      readonly bytes?: number | undefined;
      readonly run: FaultAction;
    };

/** Runs at a request. Returning "reset" resets the connection; any other result is ignored. */
export type FaultAction = (request: SeenRequest) => unknown;

/** Whether the headers fit a changed body. Default: both are updated. */
export interface BodyHeaders {
  readonly contentLength?: "updated" | "original" | undefined;
  readonly contentRange?: "updated" | "original" | undefined;
}

const body = (change: "short" | "long" | "shifted", bytes: number, headers: BodyHeaders): Fault => ({
  kind: "body",
  change,
  bytes,
  contentLength: headers.contentLength ?? "updated",
  contentRange: headers.contentRange ?? "updated",
});

const edit = (name: string, change: (headers: ResponseHeaders) => void): Fault => ({
  kind: "headers",
  name,
  edit: change,
});

/** Moves a Content-Range by `shift` bytes and adds `size` to its total. */
export function movedContentRange(value: string, by: { shift?: number; size?: number }): string {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(value);
  if (match === null) return value;
  const [first, last, total] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const { shift = 0, size = 0 } = by;
  return `bytes ${first + shift}-${last + shift}/${total + size}`;
}

/** Constructors of faults. */
export const faults = {
  /** Resets the connection before anything is forwarded. */
  resetBefore: (): Fault => ({ kind: "reset", at: "before" }),
  /** Resets the connection after `bytes` of the request's body. */
  resetInRequest: (bytes: number): Fault => ({ kind: "reset", at: "request", bytes }),
  /** Resets the connection once the server has processed the request: the client gets no response. */
  resetProcessed: (): Fault => ({ kind: "reset", at: "processed" }),
  /** Resets the connection after the response's headers. */
  resetAfterHeaders: (): Fault => ({ kind: "reset", at: "headers" }),
  /** Resets the connection after `bytes` of the response's body. Default: half of them. */
  resetWithin: (bytes?: number): Fault => ({ kind: "reset", at: "within", bytes }),
  /** Resets the connection after the response's whole body. */
  resetAfter: (): Fault => ({ kind: "reset", at: "after" }),
  /** Forwards nothing for `ms`. Default: for ever. */
  stallBefore: (ms?: number): Fault => ({ kind: "stall", at: "before", ms }),
  /** Sends nothing after the response's headers for `ms`. Default: for ever. */
  stallAfterHeaders: (ms?: number): Fault => ({ kind: "stall", at: "headers", ms }),
  /** Sends nothing for `ms` (default: for ever) after `bytes` (default: half) of the response's body. */
  stallWithin: (bytes?: number, ms?: number): Fault => ({ kind: "stall", at: "within", bytes, ms }),
  /** 500 InternalError. */
  serverError: (): Fault => ({
    kind: "response",
    status: 500,
    code: "InternalError",
    message: "We encountered an internal error. Please try again.",
  }),
  /** 503 SlowDown. */
  slowDown: (): Fault => ({
    kind: "response",
    status: 503,
    code: "SlowDown",
    message: "Please reduce your request rate.",
  }),
  /** 429 with Retry-After, in seconds or as a date. */
  tooManyRequests: (retryAfter: number | Date): Fault => ({
    kind: "response",
    status: 429,
    code: "TooManyRequests",
    message: "Too many requests.",
    headers: { "retry-after": retryAfter instanceof Date ? retryAfter.toUTCString() : String(retryAfter) },
  }),
  /** 403: what S3 sends for an expired presigned URL. */
  expired: (): Fault => ({
    kind: "response",
    status: 403,
    code: "AccessDenied",
    message: "Request has expired",
  }),
  /** 400 ExpiredToken: what S3 sends for expired temporary credentials. */
  expiredToken: (): Fault => ({
    kind: "response",
    status: 400,
    code: "ExpiredToken",
    message: "The provided token has expired.",
  }),
  /** 200 with the whole object, whatever range was requested. */
  wholeBody: (): Fault => ({ kind: "whole" }),
  /** Sends `bytes` fewer. With `contentLength: "original"` the connection ends before the announced length. */
  shortBody: (bytes: number, headers: BodyHeaders = {}): Fault => body("short", bytes, headers),
  /** Appends `bytes` of filler. */
  longBody: (bytes: number, headers: BodyHeaders = {}): Fault => body("long", bytes, headers),
  /** Sends the range that starts `bytes` further on. With `contentRange: "original"` the headers do not show it. */
  shiftedBody: (bytes: number, headers: BodyHeaders = {}): Fault => body("shifted", bytes, headers),
  /** Shifts Content-Range; the body is right. */
  wrongContentRange: (shift: number): Fault =>
    edit("wrong Content-Range", (headers) => {
      headers["content-range"] = movedContentRange(headers["content-range"] ?? "", { shift });
    }),
  /** Adds `size` to the total in Content-Range. */
  wrongTotal: (size: number): Fault =>
    edit("wrong total", (headers) => {
      headers["content-range"] = movedContentRange(headers["content-range"] ?? "", { size });
    }),
  /** Replaces Content-Range by text that does not parse. */
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
  /** Replaces the ETag by that of another object. */
  changedETag: (): Fault =>
    edit("changed ETag", (headers) => {
      headers.etag = '"0123456789abcdef0123456789abcdef"';
    }),
  weakETag: (): Fault =>
    edit("weak ETag", (headers) => {
      if (headers.etag !== undefined) headers.etag = `W/${headers.etag}`;
    }),
  gzip: (): Fault => ({ kind: "gzip" }),
  /** Runs `run` before the request is forwarded. */
  before: (run: FaultAction): Fault => ({ kind: "action", run }),
  /**
   * Runs `run` after `bytes` of the request's body were forwarded. Default: after the whole body, while the server may
   * be processing the request or may have processed it.
   */
  within: (run: FaultAction, bytes?: number): Fault => ({ kind: "action", at: "request", bytes, run }),
  /** Runs `run` once the server has responded, before the client gets the response. */
  processed: (run: FaultAction): Fault => ({ kind: "action", at: "processed", run }),
} as const;

/** A fault's name in request records. */
export function faultName(fault: Fault): string {
  switch (fault.kind) {
    case "reset":
    case "stall":
      return `${fault.kind} ${fault.at}`;
    case "response":
      return `${fault.status} ${fault.code ?? ""}`.trim();
    case "body":
      return `${fault.change} body`;
    case "headers":
      return fault.name;
    case "action":
      return fault.at === undefined ? "action" : `action ${fault.at}`;
    default:
      return fault.kind;
  }
}

/** An endpoint whose name no DNS resolves. */
export const UNRESOLVABLE_ENDPOINT = "http://does-not-exist.invalid";

import { type ErrorCode, PeekpackError } from "../errors.js";
import type { ByteRange } from "./byte-range.js";
import type { ObjectState, Piece, RequestedRange } from "./object-state.js";
import type { TransportResponse } from "./range-transport.js";
import { readBody } from "./read-body.js";
import { contentEncoding, matchesState, parseContentRange, pinState, responseTags } from "./response.js";
import { hintRetry } from "./retry-hint.js";
import { changed, networkError, truncated } from "./source-error.js";

/** Parses `Retry-After`, seconds or a date (RFC 9110, section 10.2.3), to milliseconds. */
export function retryAfter(text: string | null, now: number): number | undefined {
  const wait = /^\d+$/.test(text ?? "") ? Number(text) * 1000 : Date.parse(text ?? "") - now;
  return wait >= 0 ? wait : undefined;
}

/** The error for a response with an error status. */
async function errorResponse(
  label: string,
  { status, headers, body }: TransportResponse,
  signal: AbortSignal,
): Promise<PeekpackError> {
  const text = await readBody(body, 8192, signal).then(
    (bytes) => new TextDecoder().decode(bytes),
    () => "",
  );
  if (status === 412) return changed(label);
  // Nothing else of the document may enter a message: S3 repeats keys, tokens and signatures in it. A server could do so in a
  // code as well, but access keys have no small letters.
  const code = /<Code>([A-Z](?=\w*[a-z])\w{1,63})</.exec(text)?.[1];
  const expired = /<(Code|Message)>[^<]*expired/i.test(text);
  // S3 responds 400 to an expired session token.
  const kind: ErrorCode =
    [401, 403].includes(status) || (expired && status === 400)
      ? "denied"
      : [404, 410].includes(status)
        ? "not-found"
        : "network";
  // A browser does not show the status of a redirect that is not followed.
  const summary = `${status || "with a redirect"}${code ? ` ${code}` : ""}${expired ? " (expired)" : ""}`;
  return hintRetry(
    new PeekpackError(kind, `${label}: the server responded with ${summary}.`, { section: "source" }),
    {
      again: status > 499 || [408, 425, 429].includes(status),
      afterMs: retryAfter(headers.get("retry-after"), Date.now()),
      refusal: [400, 401, 403].includes(status) ? { status, code, expired } : undefined,
    },
  );
}

/** End of the message about a header that is missing in a browser. */
const corsHint = " that this page can read: the server's CORS rules must expose Content-Range and ETag";

/**
 * Handles a response that is not the expected 206. Returns the bytes of a small object that was sent whole, and none for an
 * empty object. Throws an error that names the problem otherwise.
 */
export async function unexpectedResponse(
  object: ObjectState,
  requested: RequestedRange,
  response: TransportResponse,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<Piece> {
  const { label, browser, wholeBytes, size: known } = object;
  const { status, headers, body } = response;
  const contentRange = headers.get("content-range");
  // For an empty object some servers send 206 with "bytes 0--1/0".
  const size = contentRange?.endsWith("/0") ? 0 : parseContentRange(contentRange).size;
  if (status === 416 || size === 0) {
    const suffix = "suffix" in requested;
    const first = suffix ? 0 : requested.start;
    // Some servers refuse a suffix that is longer than the object, and state no size: it is unknown, but not 0.
    const total = size ?? known ?? (suffix ? 1 : first);
    const shrunk = size === undefined && !suffix && first < total;
    if (shrunk || (known ?? total) !== total) throw changed(label);
    if (first < total) throw networkError(label, "416 for bytes that exist");
    // Only an empty object has no first byte.
    if (total) throw truncated(label, requested as ByteRange, size);
    object.size = 0;
    return { start: 0, bytes: new Uint8Array(0), whole: true };
  }
  if (status !== 206 && status !== 200) throw await errorResponse(label, response, signal);
  const encoding = contentEncoding(headers);
  if (encoding) throw networkError(label, `the response is encoded (${encoding.slice(0, 20)})`);
  const checkState = (responseSize?: number): void => {
    if (object.version && !responseTags(headers).length) {
      throw networkError(label, `no ETag${browser ? corsHint : ""}`);
    }
    if (!matchesState(object, headers, responseSize)) throw changed(label);
  };
  if (status === 206) {
    if (browser && contentRange === null) {
      throw networkError(label, `206 without a Content-Range${corsHint}`);
    }
    checkState(size);
    throw networkError(label, "206 without the requested Content-Range");
  }
  const length = Number(headers.get("content-length") ?? undefined);
  checkState();
  // If the server ignores ranges, a small object is read whole, and no byte of a larger one.
  const bytes = length > wholeBytes ? undefined : await readBody(body, wholeBytes, signal, onBytes);
  if (!bytes || bytes.length > wholeBytes) {
    throw networkError(label, `ranges are ignored (200) for more than ${wholeBytes} bytes`);
  }
  if (length >= 0 && bytes.length !== length) {
    throw networkError(label, "the body is not as long as announced");
  }
  checkState(bytes.length);
  pinState(object, headers, bytes.length);
  return { start: 0, bytes, whole: true };
}

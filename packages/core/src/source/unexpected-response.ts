import { type ErrorCode, PeekpackError } from "../errors.js";
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

/** Bytes of an error document that are read. */
const maxErrorDocumentBytes = 8192;

const errorCodes: Readonly<Record<number, ErrorCode>> = {
  401: "denied",
  403: "denied",
  404: "not-found",
  410: "not-found",
};

/** The error for a response with an error status. */
async function errorResponse(
  label: string,
  { status, headers, body }: TransportResponse,
  signal: AbortSignal,
): Promise<PeekpackError> {
  const text = await readBody(body, maxErrorDocumentBytes, signal).then(
    (bytes) => new TextDecoder().decode(bytes),
    () => "",
  );
  if (status === 412) return changed(label);
  // Nothing else of the document may enter a message: S3 repeats keys, tokens and signatures in it.
  const code = /<Code>(\w{1,64})</.exec(text)?.[1];
  const expired = /<(Code|Message)>[^<]*expired/i.test(text);
  // S3 responds 400 to an expired session token.
  const kind = errorCodes[status] ?? (expired && status === 400 ? "denied" : "network");
  const summary = `${status}${code ? ` ${code}` : ""}${expired ? " (expired)" : ""}`;
  return hintRetry(
    new PeekpackError(kind, `${label}: the server answered ${summary}.`, { section: "source" }),
    {
      again: kind === "network" && (status > 499 || [408, 425, 429].includes(status)),
      afterMs: retryAfter(headers.get("retry-after"), Date.now()),
      refusal: [400, 401, 403].includes(status) ? { status, code, expired } : undefined,
    },
  );
}

/** End of the message about a header that is missing in a browser. */
const corsHint =
  " that can be read: across origins the server's CORS rules must expose Content-Range and ETag";

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
  const { size } = parseContentRange(contentRange);
  if (status === 416) {
    const suffix = "suffix" in requested;
    const first = suffix ? Math.max(0, (size ?? 0) - requested.suffix) : requested.start;
    if (known !== undefined && size !== known && (size !== undefined || (!suffix && first < known))) {
      throw changed(label);
    }
    // Only an empty object has no first byte.
    if (!(size ?? known ?? first)) {
      object.size = 0;
      return { start: 0, bytes: new Uint8Array(0), whole: true };
    }
    if (suffix || first < (size ?? known ?? 0)) throw networkError(label, "416 for bytes that exist");
    throw truncated(label, requested, size);
  }
  if (status !== 206 && status !== 200) throw await errorResponse(label, response, signal);
  const encoding = contentEncoding(headers);
  if (encoding) throw networkError(label, `the response is encoded (${encoding.slice(0, 20)})`);
  const checkState = (responseSize?: number): void => {
    if (object.version !== undefined && responseTags(headers).length === 0) {
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
  const length = Number.parseInt(headers.get("content-length") ?? "", 10);
  checkState();
  // If the server ignores ranges, a small object is read whole, and no byte of a larger one.
  const maxBytes = Math.min(length || 0, wholeBytes) || wholeBytes;
  const bytes = length > wholeBytes ? undefined : await readBody(body, maxBytes, signal, onBytes);
  if (!bytes || bytes.length > wholeBytes) {
    throw networkError(label, `ranges are ignored (200), and there are more than ${wholeBytes} bytes`);
  }
  if (length >= 0 && bytes.length !== length) {
    throw networkError(label, "the body is not as long as announced");
  }
  checkState(bytes.length);
  pinState(object, headers, bytes.length);
  return { start: 0, bytes, whole: true };
}

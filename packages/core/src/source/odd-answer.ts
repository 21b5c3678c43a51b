import { type ErrorCode, PeekpackError } from "../errors.js";
import { encodingOf, ofSameState, parseContentRange, record, tagsOf } from "./answer.js";
import { readBody } from "./body.js";
import type { TransportResponse } from "./range-transport.js";
import type { ObjectState, Piece, Wanted } from "./ranged-get.js";
import { hintRetry } from "./retry-hint.js";
import { changed, networkError, truncated } from "./source-error.js";

/** Milliseconds to wait by a `Retry-After` header: seconds or a date (RFC 9110, section 10.2.3). */
export function retryAfter(text: string | null, now: number): number | undefined {
  const wait = /^\d+$/.test(text ?? "") ? Number(text) * 1000 : Date.parse(text ?? "") - now;
  return wait >= 0 ? wait : undefined;
}

/** Most bytes of an error document that are looked at. */
const errorDocumentBytes = 8192;

const errorCodes: Readonly<Record<number, ErrorCode>> = {
  401: "denied",
  403: "denied",
  404: "not-found",
  410: "not-found",
};

/** The error for an answer whose status is one. */
async function errorAnswer(
  label: string,
  { status, headers, body }: TransportResponse,
  signal: AbortSignal,
): Promise<PeekpackError> {
  const text = await readBody(body, errorDocumentBytes, signal).then(
    (bytes) => new TextDecoder().decode(bytes),
    () => "",
  );
  if (status === 412) return changed(label);
  // Nothing else of the document may enter a message: S3 repeats keys, tokens and signatures in it.
  const code = /<Code>(\w{1,64})</.exec(text)?.[1];
  const expired = /<(Code|Message)>[^<]*expired/i.test(text);
  // S3 answers 400 to a session token that has expired.
  const kind = errorCodes[status] ?? (expired && status === 400 ? "denied" : "network");
  const said = `${status}${code ? ` ${code}` : ""}${expired ? " (expired)" : ""}`;
  return hintRetry(new PeekpackError(kind, `${label}: the server answered ${said}.`, { section: "source" }), {
    again: kind === "network" && (status > 499 || [408, 425, 429].includes(status)),
    afterMs: retryAfter(headers.get("retry-after"), Date.now()),
    refusal: [400, 401, 403].includes(status) ? { status, code, expired } : undefined,
  });
}

/** Ends the message about a header that is missing in a browser. */
const exposure =
  " that can be read: across origins the server's CORS rules must expose Content-Range and ETag";

/**
 * What to make of an answer that is not the 206 asked for: a small object that came whole is taken, an empty one has
 * nothing to give, and anything else is an error that says what was wrong.
 */
export async function oddAnswer(
  object: ObjectState,
  wanted: Wanted,
  answer: TransportResponse,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<Piece> {
  const { label, browser, wholeBytes, size: known } = object;
  const { status, headers, body } = answer;
  const contentRange = headers.get("content-range");
  const { size } = parseContentRange(contentRange);
  if (status === 416) {
    const suffix = "suffix" in wanted;
    const first = suffix ? Math.max(0, (size ?? 0) - wanted.suffix) : wanted.start;
    if (known !== undefined && size !== known && (size !== undefined || (!suffix && first < known))) {
      throw changed(label);
    }
    // Only in an empty object is there nothing from the first byte on.
    if (!(size ?? known ?? first)) {
      object.size = 0;
      return { start: 0, bytes: new Uint8Array(0), whole: true };
    }
    if (suffix || first < (size ?? known ?? 0)) throw networkError(label, "416 for bytes that there are");
    throw truncated(label, wanted, size);
  }
  if (status !== 206 && status !== 200) throw await errorAnswer(label, answer, signal);
  const encoding = encodingOf(headers);
  if (encoding) throw networkError(label, `the answer is encoded (${encoding.slice(0, 20)})`);
  const checkState = (found?: number): void => {
    if (object.version !== undefined && tagsOf(headers).length === 0) {
      throw networkError(label, `no ETag${browser ? exposure : ""}`);
    }
    if (!ofSameState(object, headers, found)) throw changed(label);
  };
  if (status === 206) {
    if (browser && contentRange === null) {
      throw networkError(label, `206 without a Content-Range${exposure}`);
    }
    checkState(size);
    throw networkError(label, "206 without the Content-Range asked for");
  }
  const length = Number.parseInt(headers.get("content-length") ?? "", 10);
  checkState();
  // An object that is small enough is kept whole where ranges are ignored; of a larger one not a byte is read.
  const most = Math.min(length || 0, wholeBytes) || wholeBytes;
  const bytes = length > wholeBytes ? undefined : await readBody(body, most, signal, onBytes);
  if (!bytes || bytes.length > wholeBytes) {
    throw networkError(label, `ranges are ignored (200), and there are more than ${wholeBytes} bytes`);
  }
  if (length >= 0 && bytes.length !== length) {
    throw networkError(label, "the body is not as long as announced");
  }
  checkState(bytes.length);
  record(object, headers, bytes.length);
  return { start: 0, bytes, whole: true };
}

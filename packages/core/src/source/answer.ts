import { type ErrorCode, PeekpackError } from "../errors.js";
import { readBody } from "./body.js";
import type { ByteRange } from "./range-source.js";
import type { TransportAnswer } from "./range-transport.js";
import { hintRetry } from "./retry-hint.js";

/** Parses `Content-Range` (RFC 9110, section 14.4) to a half-open range; an answer 416 has a size only. */
export function parseContentRange(text: string | null): Partial<ByteRange> & { readonly size?: number } {
  const [, first, last, total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+)$/i.exec(text ?? "") ?? [];
  const size = Number(total);
  const start = Number(first);
  const end = Number(last) + 1;
  if (start < end && end <= size && Number.isSafeInteger(size)) return { start, end, size };
  return total !== undefined && first === undefined ? { size } : {};
}

/** Milliseconds to wait by a `Retry-After` header: seconds or a date (RFC 9110, section 10.2.3). */
export function retryAfter(text: string | null, now: number): number | undefined {
  const wait = /^\d+$/.test(text ?? "") ? Number(text) * 1000 : Date.parse(text ?? "") - now;
  return wait >= 0 ? wait : undefined;
}

/** An ETag without its quotes. Weak ones, and the `null` of an unversioned bucket, are no versions. */
export function strongTag(tag: string | null | undefined): string | undefined {
  const bare = tag?.replace(/^"(.*)"$/, "$1");
  return !bare || /^(W\/|null$)/.test(bare) ? undefined : bare;
}

/** Most bytes of an error document that are looked at. */
const errorDocumentBytes = 8192;

const errorCodes: Readonly<Record<number, ErrorCode>> = {
  401: "denied",
  403: "denied",
  404: "not-found",
  410: "not-found",
  412: "changed",
};

/** The error for an answer whose status is one. */
export async function errorAnswer(
  label: string,
  { status, headers, body }: TransportAnswer,
  signal: AbortSignal,
): Promise<PeekpackError> {
  const text = await readBody(body, errorDocumentBytes, signal).then(
    (bytes) => new TextDecoder().decode(bytes),
    () => "",
  );
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

import { type ErrorCode, PeekpackError } from "../errors.js";
import type { TransportAnswer } from "./range-transport.js";
import { hintRetry, type RetryHint } from "./retry-hint.js";

/** Most bytes of an error document that are looked at. */
const errorDocumentBytes = 8192;

/** Ends the message about a header that is missing in a browser. */
export const exposure = " that can be read: across origins, the server's CORS rules must expose it";

/** What `Content-Range` says, as a half-open range; an answer 416 has a size only. */
export interface ContentRange {
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly size: number | undefined;
}

/** Parses `Content-Range` (RFC 9110, section 14.4). Empty when it is missing or malformed. */
export function parseContentRange(text: string | null): Partial<ContentRange> {
  const [, first, last, total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/i.exec(text?.trim() ?? "") ?? [];
  if (total === undefined) return {};
  const size = total === "*" ? undefined : Number(total);
  if (first === undefined) return { size };
  const start = Number(first);
  const end = Number(last) + 1;
  return start < end && end <= (size ?? Number.MAX_SAFE_INTEGER) ? { start, end, size } : {};
}

/** Milliseconds to wait by a `Retry-After` header: seconds or a date (RFC 9110, section 10.2.3). */
export function retryAfter(text: string | null, now: number): number | undefined {
  if (!text) return undefined;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

/** The error for an answer that cannot be used, or that did not come. */
export function networkFault(
  label: string,
  message: string,
  hint: RetryHint = {},
  cause?: unknown,
): PeekpackError {
  return hintRetry(
    new PeekpackError("network", `${label}: ${message}`, {
      section: "source",
      cause: cause === undefined ? undefined : publicCause(cause),
    }),
    { again: true, ...hint },
  );
}

/** A cause fit to be shown: name, message and code of the innermost error, without queries and passwords. */
export function publicCause(error: unknown): Error {
  let inner = error;
  for (let depth = 0; depth < 5 && inner instanceof Error && inner.cause instanceof Error; depth++) {
    inner = inner.cause;
  }
  const { name, code } = inner instanceof Error ? (inner as Error & { code?: unknown }) : {};
  const text = (inner instanceof Error ? inner.message : String(inner))
    .replace(/\?\S*/g, "")
    .replace(/\/\/[^/\s@]*@/g, "//");
  const shown = new Error(typeof code === "string" ? `${text} (${code})` : text);
  shown.name = name ?? "Error";
  return shown;
}

/**
 * Reads a body into an array of its own, to its end or until it has more than `most` bytes. Allocates no more than what
 * has arrived. What has arrived is in `chunks` also when the body breaks off.
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  most: number,
  signal: AbortSignal,
  onBytes?: (count: number) => void,
  chunks: Uint8Array[] = [],
): Promise<Uint8Array> {
  const reader = body?.getReader();
  // Not every fetch that a caller hands over heeds the signal.
  const leave = (): void => void reader?.cancel().catch(() => {});
  signal.addEventListener("abort", leave);
  try {
    for (let length = 0; reader !== undefined && length <= most; ) {
      const { done, value } = await reader.read();
      if (done) return joined(chunks);
      chunks.push(value);
      length += value.length;
      onBytes?.(value.length);
    }
    leave();
    return joined(chunks);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

/** One array of its own of several. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  // A short chunk is a window on a network buffer of 64 KiB, which it would keep alive; and it may be a Buffer.
  if (chunks.length === 1 && only!.length === only!.buffer.byteLength && only!.constructor === Uint8Array) {
    return only!;
  }
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

const errorCodes: Readonly<Record<number, ErrorCode>> = {
  401: "denied",
  403: "denied",
  404: "not-found",
  410: "not-found",
  412: "changed",
};

/** The error for an answer whose status is an error. */
export async function errorAnswer(
  label: string,
  answer: TransportAnswer,
  signal: AbortSignal,
): Promise<PeekpackError> {
  const { status, headers } = answer;
  const text = new TextDecoder().decode(
    await readBody(answer.body, errorDocumentBytes, signal).catch(() => new Uint8Array(0)),
  );
  // Nothing else of the document may enter a message: S3 repeats keys, tokens and signatures in it.
  const code = /<Code>(\w{1,64})<\/Code>/.exec(text)?.[1];
  const expired = /<(Code|Message)>[^<]*expired/i.test(text);
  // S3 answers 400 to a session token that has expired.
  const kind = errorCodes[status] ?? (expired && status === 400 ? "denied" : "network");
  const date = Date.parse(headers.get("date") ?? "");
  return hintRetry(
    new PeekpackError(
      kind,
      `${label}: the server answered ${status}${code === undefined ? "" : ` ${code}`}${expired ? " (expired)" : ""}.`,
      { section: "source" },
    ),
    {
      again: kind === "network" && (status > 499 || [408, 425, 429].includes(status)),
      afterMs: retryAfter(headers.get("retry-after"), Date.now()),
      refusal: [400, 401, 403].includes(status)
        ? { status, code, expired, date: Number.isNaN(date) ? undefined : date }
        : undefined,
    },
  );
}

import { PeekpackError } from "../errors.js";
import { errorAnswer, exposure, joined, networkFault, parseContentRange, readBody } from "./answer.js";
import { truncated } from "./byte-range.js";
import type { ByteRange } from "./range-source.js";
import type { RangeTransport, TransportAnswer } from "./range-transport.js";
import { changedObject, type VersionPin } from "./version-pin.js";

/** A closed range, or so many of the last bytes. */
export type Wanted = ByteRange | { readonly suffix: number };

/** Bytes of the object that a valid answer brought. */
export interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
  /** Whether these are all the object's bytes. */
  readonly whole: boolean;
}

/** What the GETs of one object have in common. */
export interface GetContext {
  readonly label: string;
  readonly transport: RangeTransport;
  readonly pin: VersionPin;
  readonly ifMatch: boolean;
  readonly browser: boolean;
  readonly wholeBytes: number;
  readonly stallMs: number;
}

/** What is seen of a GET while it runs. */
export interface GetNote {
  bytes: number;
  /** What has arrived of the body. */
  readonly chunks: Uint8Array[];
  /** Whether a part of the body is worth keeping: the rest is sure to be of the same version. */
  resumable?: boolean;
  status?: number;
  firstByteMs?: number;
  range?: ByteRange;
}

/**
 * Makes one GET and distrusts its answer: status, place, length, encoding and version are checked before anything is
 * given out. An answer that ends before `wanted` does is given out only where the object itself ends there.
 */
export async function rangedGet(
  context: GetContext,
  wanted: Wanted,
  fresh: boolean,
  controller: AbortController,
  note: GetNote,
): Promise<Piece> {
  const { label, transport, pin, browser, stallMs } = context;
  const { signal } = controller;
  const began = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const alive = (count = 0): void => {
    note.bytes += count;
    clearTimeout(timer);
    timer = setTimeout(
      () => controller.abort(networkFault(label, `no byte for ${stallMs} ms.`, { received: received(note) })),
      stallMs,
    );
  };
  let answer: TransportAnswer | undefined;
  try {
    alive();
    const range = "suffix" in wanted ? `bytes=-${wanted.suffix}` : `bytes=${wanted.start}-${wanted.end - 1}`;
    const condition = context.ifMatch ? pin.condition : undefined;
    answer = await transport.get({
      headers: condition === undefined ? { range } : { range, "if-match": condition },
      signal,
      fresh,
    });
    note.status = answer.status;
    note.firstByteMs = performance.now() - began;
    alive();
    return await checkedPiece(context, wanted, answer, note, signal, alive);
  } catch (error) {
    // Frees the connection where the answer was given up; a body that is being read refuses, which is as well.
    answer?.body?.cancel().catch(() => {});
    if (signal.aborted) throw signal.reason;
    if (error instanceof PeekpackError) throw error;
    throw networkFault(label, `the request failed${browser ? ", or CORS forbids it" : ""}.`, {}, error);
  } finally {
    clearTimeout(timer);
  }
}

async function checkedPiece(
  context: GetContext,
  wanted: Wanted,
  answer: TransportAnswer,
  note: GetNote,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<Piece> {
  const { label, pin, browser, wholeBytes } = context;
  const { status, headers, body } = answer;
  const contentRange = headers.get("content-range");
  const { start, end, size } = parseContentRange(contentRange);
  if (status === 416) {
    if (size !== undefined && pin.size !== undefined && size !== pin.size) throw changedObject(label);
    // Only in an empty object is there nothing from the first byte on, and nothing to the last.
    if (size === 0 || ((size ?? pin.size) === undefined && ("suffix" in wanted || wanted.start === 0))) {
      pin.size = 0;
      return { start: 0, bytes: new Uint8Array(0), whole: true };
    }
    if ("suffix" in wanted || wanted.start < (pin.size ?? size ?? 0)) {
      if (size === undefined && pin.size !== undefined) throw changedObject(label);
      throw networkFault(label, "416 for a range within the object.");
    }
    throw truncated(label, wanted.start, wanted.end, size);
  }
  if (status !== 200 && status !== 206) throw await errorAnswer(label, answer, signal);
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") throw networkFault(label, `the answer is encoded (${encoding.slice(0, 20)}).`);
  let from = 0;
  let length: number | undefined;
  if (status === 206) {
    if (contentRange === null && browser) {
      throw networkFault(label, `206 without a Content-Range${exposure}, and ETag.`, { again: false });
    }
    if (size === undefined || start === undefined || end === undefined) {
      throw networkFault(label, "206 without a valid Content-Range.");
    }
    pin.hold(headers, size, false);
    from = "suffix" in wanted ? Math.max(0, size - wanted.suffix) : wanted.start;
    length = end - from;
    if (start !== from || end !== ("suffix" in wanted ? size : Math.min(wanted.end, size))) {
      throw networkFault(label, "206 with another range than asked for.");
    }
    pin.hold(headers, size, true);
    note.range = { start, end };
    note.resumable = pin.version !== undefined;
  } else {
    const announced = Number.parseInt(headers.get("content-length") ?? "", 10);
    length = Number.isNaN(announced) ? undefined : announced;
    // An object that is small enough is kept whole; of a larger one not a byte is read.
    if (length !== undefined && length > wholeBytes) throw ignoresRanges(context);
    pin.hold(headers, undefined, false);
  }
  const bytes = await readBody(body, length ?? wholeBytes, signal, onBytes, note.chunks).catch(
    (error: unknown) => {
      throw networkFault(label, "the body broke off.", { received: received(note) }, error);
    },
  );
  if (length === undefined) {
    if (bytes.length > wholeBytes) throw ignoresRanges(context);
  } else if (bytes.length > length) {
    throw networkFault(label, "the body is longer than announced.");
  } else if (bytes.length < length) {
    throw networkFault(label, "the body is shorter than announced.", { received: received(note) });
  }
  if (status === 200) pin.hold(headers, bytes.length, true);
  return { start: from, bytes, whole: status === 200 };
}

function received({ resumable, chunks }: GetNote): Uint8Array | undefined {
  return resumable ? joined(chunks) : undefined;
}

function ignoresRanges({ label, wholeBytes, pin }: GetContext): PeekpackError {
  return networkFault(
    label,
    `the server ignores ranges (200), and the object is larger than ${wholeBytes} bytes.`,
    // Where ranges have worked before, this was an accident on the way.
    { again: pin.size !== undefined },
  );
}

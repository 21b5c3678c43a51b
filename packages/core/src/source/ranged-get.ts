import { PeekpackError } from "../errors.js";
import { errorAnswer, parseContentRange, strongTag } from "./answer.js";
import { joined, readBody } from "./body.js";
import type { ByteRange } from "./range-source.js";
import type { RangeTransport, TransportAnswer } from "./range-transport.js";
import type { RequestEvent } from "./request-event.js";
import { changed, networkError, truncated } from "./source-error.js";

/** A closed range, or so many of the last bytes. */
export type Wanted = ByteRange | { readonly suffix: number };

/** Bytes of the object that a valid answer brought. */
export interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
  /** Whether these are all the object's bytes. */
  readonly whole: boolean;
}

/** One object: how it is reached, and the state that every answer is held to. */
export interface ObjectState {
  readonly label: string;
  readonly transport: RangeTransport;
  readonly ifMatch: boolean;
  readonly browser: boolean;
  readonly wholeBytes: number;
  readonly stallMs: number;
  /** Size in bytes, once known. */
  size: number | undefined;
  /** ETag as the server spells it, or version id. */
  version: string | undefined;
  /** Value for `If-Match`, once the version is known to be an ETag. */
  condition?: string;
  /** `Last-Modified`, compared where there is no version. */
  modified?: string | null;
}

/** What is seen of a GET while it runs: its event, in the making. */
export type GetNote = { -readonly [Key in keyof RequestEvent]: RequestEvent[Key] };

/** Ends the message about a header that is missing in a browser. */
const exposure =
  " that can be read: across origins the server's CORS rules must expose Content-Range and ETag";

/**
 * Makes one GET and distrusts its answer: status, place, length, encoding and version are checked before anything is
 * given out. An answer that ends before `wanted` does is given out only where the object itself ends there.
 */
export async function rangedGet(
  object: ObjectState,
  wanted: Wanted,
  controller: AbortController,
  note: GetNote,
): Promise<Piece> {
  const { label, stallMs, ifMatch, condition } = object;
  const { signal } = controller;
  /** What has arrived of a body whose rest is sure to be of the same version. */
  const kept: Uint8Array[] = [];
  const received = (): { readonly received?: Uint8Array } =>
    kept.length > 0 ? { received: joined(kept) } : {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  const alive = (count = 0): void => {
    note.bytes += count;
    clearTimeout(timer);
    timer = setTimeout(
      () => controller.abort(networkError(label, `no byte for ${stallMs} ms`, received())),
      stallMs,
    );
  };
  let answer: TransportAnswer | undefined;
  try {
    alive();
    const range = `bytes=${"suffix" in wanted ? `-${wanted.suffix}` : `${wanted.start}-${wanted.end - 1}`}`;
    answer = await object.transport.get({
      headers: ifMatch && condition ? { range, "if-match": condition } : { range },
      signal,
      fresh: object.browser,
    });
    note.status = answer.status;
    note.firstByteMs = performance.now() - note.startedAt;
    alive();
    return await checkedPiece(object, wanted, answer, note, signal, alive, kept);
  } catch (error) {
    // Frees the connection where the answer was given up; a body that is being read refuses, which is as well.
    answer?.body?.cancel().catch(() => {});
    if (signal.aborted) throw signal.reason;
    if (error instanceof PeekpackError) throw error;
    throw networkError(
      label,
      `the request failed${object.browser ? ", or CORS forbids it" : ""}`,
      received(),
      error,
    );
  } finally {
    clearTimeout(timer);
  }
}

async function checkedPiece(
  object: ObjectState,
  wanted: Wanted,
  answer: TransportAnswer,
  note: GetNote,
  signal: AbortSignal,
  onBytes: (count: number) => void,
  kept: Uint8Array[],
): Promise<Piece> {
  const { label, browser, wholeBytes } = object;
  const { status, headers, body } = answer;
  const contentRange = headers.get("content-range");
  const { start, end, size } = parseContentRange(contentRange);
  const suffix = "suffix" in wanted;
  const first = suffix ? Math.max(0, (size ?? 0) - wanted.suffix) : wanted.start;
  if (status === 416) {
    const known = object.size;
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
  const partial = status === 206;
  if (!partial && status !== 200) throw await errorAnswer(label, answer, signal);
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") throw networkError(label, `the answer is encoded (${encoding.slice(0, 20)})`);
  let length: number;
  if (partial) {
    if (browser && contentRange === null) {
      throw networkError(label, `206 without a Content-Range${exposure}`);
    }
    hold(object, headers, size);
    if (start === undefined || start !== first || end !== (suffix ? size : Math.min(wanted.end, size!))) {
      throw networkError(label, "206 without the Content-Range asked for");
    }
    length = end! - start;
    record(object, headers, size!);
    note.range = { start, end: end! };
  } else {
    length = Number.parseInt(headers.get("content-length") ?? "", 10);
    hold(object, headers);
  }
  // An object that is small enough is kept whole where ranges are ignored; of a larger one not a byte is read.
  const limit = partial ? length : Math.min(length || 0, wholeBytes) || wholeBytes;
  const bytes =
    length > wholeBytes && !partial
      ? undefined
      : await readBody(body, limit, signal, onBytes, partial && object.version !== undefined ? kept : []);
  if (!partial && !(bytes && bytes.length <= wholeBytes)) {
    throw networkError(label, `ranges are ignored (200), and there are more than ${wholeBytes} bytes`);
  }
  if (length >= 0 && bytes!.length !== length) {
    throw networkError(label, "the body is not as long as announced", {
      received: bytes!.length < length && kept.length > 0 ? bytes : undefined,
    });
  }
  if (!partial) {
    hold(object, headers, bytes!.length);
    record(object, headers, bytes!.length);
  }
  return { start: partial ? first : 0, bytes: bytes!, whole: !partial };
}

/** Holds an answer's version and size to those seen first. */
function hold(object: ObjectState, headers: TransportAnswer["headers"], size?: number): void {
  const { label, browser, version, modified } = object;
  const tags = tagsOf(headers);
  const time = headers.get("last-modified");
  if (version !== undefined && tags.length === 0) {
    throw networkError(label, `no ETag${browser ? exposure : ""}`);
  }
  if (
    (version === undefined
      ? // Seconds are too coarse to prove that nothing changed, but a difference proves that something did.
        modified && time && time !== modified
      : !tags.includes(strongTag(version)!)) ||
    (size ?? object.size) !== (object.size ?? size)
  ) {
    throw changed(label);
  }
}

/** Makes the version and size of a valid answer the ones seen first, where there are none yet. */
function record(object: ObjectState, headers: TransportAnswer["headers"], size: number): void {
  const etag = headers.get("etag");
  const tag = strongTag(etag);
  object.size ??= size;
  object.version ??= tag === undefined ? tagsOf(headers)[0] : etag!;
  object.modified ??= headers.get("last-modified");
  if (tag !== undefined && tag === strongTag(object.version)) object.condition = `"${tag}"`;
}

/** What an answer says about the object's state: ETag and version id, where they are strong. */
function tagsOf(headers: TransportAnswer["headers"]): string[] {
  return ["etag", "x-amz-version-id"].flatMap((name) => strongTag(headers.get(name)) ?? []);
}

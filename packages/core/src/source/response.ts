import type { ByteRange } from "./byte-range.js";
import type { ObjectState, RequestedRange } from "./object-state.js";
import type { TransportResponse } from "./range-transport.js";

/** Parses `Content-Range` (RFC 9110, section 14.4) to a half-open range. In a 416 response it has only a size. */
export function parseContentRange(text: string | null): Partial<ByteRange> & { readonly size?: number } {
  const [, first, last, total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+)$/i.exec(text ?? "") ?? [];
  const size = Number(total);
  const start = Number(first);
  const end = Number(last) + 1;
  if (start < end && end <= size && Number.isSafeInteger(size)) return { start, end, size };
  return total !== undefined && first === undefined ? { size } : {};
}

/** An ETag without its quotes. A weak ETag, and the version id `null` of an unversioned bucket, identify no version. */
export function strongTag(tag: string | null | undefined): string | undefined {
  const bare = tag?.replace(/^"(.*)"$/, "$1");
  return !bare || /^(W\/|null$)/.test(bare) ? undefined : bare;
}

/** ETag and version id of a response, if they are strong. */
export function responseTags(headers: TransportResponse["headers"]): string[] {
  return ["etag", "x-amz-version-id"].flatMap((name) => strongTag(headers.get(name)) ?? []);
}

/** Whether a response has the known version and size of the object. */
export function matchesState(
  { version, modified, size }: ObjectState,
  headers: TransportResponse["headers"],
  responseSize: number | undefined = size,
): boolean {
  const time = headers.get("last-modified");
  return (
    (version === undefined
      ? // Seconds are too coarse to prove that nothing changed, but a difference proves that something did.
        !modified || !time || time === modified
      : responseTags(headers).includes(strongTag(version)!)) && (size ?? responseSize) === responseSize
  );
}

/** Pins the object to the version and size of a valid response, unless it is pinned already. */
export function pinState(object: ObjectState, headers: TransportResponse["headers"], size: number): void {
  const etag = headers.get("etag");
  const tag = strongTag(etag);
  object.size ??= size;
  object.version ??= tag === undefined ? responseTags(headers)[0] : etag!;
  object.modified ??= headers.get("last-modified");
  if (tag !== undefined && tag === strongTag(object.version)) object.condition = `"${tag}"`;
}

/** The content encoding of a response, unless it is `identity`. */
export function contentEncoding(headers: TransportResponse["headers"]): string | undefined {
  const encoding = headers.get("content-encoding");
  return encoding === "identity" ? undefined : (encoding ?? undefined);
}

/** The range of a response, if it is the 206 for the requested range and the known state. Any other response is unexpected. */
export function expectedRange(
  object: ObjectState,
  requested: RequestedRange,
  { status, headers }: TransportResponse,
): ByteRange | undefined {
  const { start, end, size = 0 } = parseContentRange(headers.get("content-range"));
  const [first, last] =
    "suffix" in requested
      ? [Math.max(0, size - requested.suffix), size]
      : [requested.start, Math.min(requested.end, size)];
  if (
    status !== 206 ||
    start !== first ||
    end !== last ||
    contentEncoding(headers) ||
    !matchesState(object, headers, size)
  ) {
    return undefined;
  }
  pinState(object, headers, size);
  return { start: first, end: last };
}

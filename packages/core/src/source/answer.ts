import type { ByteRange } from "./range-source.js";
import type { TransportResponse } from "./range-transport.js";
import type { ObjectState, Wanted } from "./ranged-get.js";

/** Parses `Content-Range` (RFC 9110, section 14.4) to a half-open range; an answer 416 has a size only. */
export function parseContentRange(text: string | null): Partial<ByteRange> & { readonly size?: number } {
  const [, first, last, total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+)$/i.exec(text ?? "") ?? [];
  const size = Number(total);
  const start = Number(first);
  const end = Number(last) + 1;
  if (start < end && end <= size && Number.isSafeInteger(size)) return { start, end, size };
  return total !== undefined && first === undefined ? { size } : {};
}

/** An ETag without its quotes. Weak ones, and the `null` of an unversioned bucket, are no versions. */
export function strongTag(tag: string | null | undefined): string | undefined {
  const bare = tag?.replace(/^"(.*)"$/, "$1");
  return !bare || /^(W\/|null$)/.test(bare) ? undefined : bare;
}

/** What an answer says about the object's state: ETag and version id, where they are strong. */
export function tagsOf(headers: TransportResponse["headers"]): string[] {
  return ["etag", "x-amz-version-id"].flatMap((name) => strongTag(headers.get(name)) ?? []);
}

/** Whether an answer is of the version and size seen first, as far as they are known. */
export function ofSameState(
  { version, modified, size }: ObjectState,
  headers: TransportResponse["headers"],
  found: number | undefined = size,
): boolean {
  const time = headers.get("last-modified");
  return (
    (version === undefined
      ? // Seconds are too coarse to prove that nothing changed, but a difference proves that something did.
        !modified || !time || time === modified
      : tagsOf(headers).includes(strongTag(version)!)) && (size ?? found) === found
  );
}

/** Makes the version and size of a valid answer the ones seen first, where there are none yet. */
export function record(object: ObjectState, headers: TransportResponse["headers"], size: number): void {
  const etag = headers.get("etag");
  const tag = strongTag(etag);
  object.size ??= size;
  object.version ??= tag === undefined ? tagsOf(headers)[0] : etag!;
  object.modified ??= headers.get("last-modified");
  if (tag !== undefined && tag === strongTag(object.version)) object.condition = `"${tag}"`;
}

/** Whether the body is as it is stored. */
export function encodingOf(headers: TransportResponse["headers"]): string | undefined {
  const encoding = headers.get("content-encoding");
  return encoding === "identity" ? undefined : (encoding ?? undefined);
}

/** Where the bytes of an answer lie when it is the 206 asked for, of the object seen first. Any other is an odd one. */
export function expectedRange(
  object: ObjectState,
  wanted: Wanted,
  { status, headers }: TransportResponse,
): ByteRange | undefined {
  const { start, end, size = 0 } = parseContentRange(headers.get("content-range"));
  const [first, last] =
    "suffix" in wanted
      ? [Math.max(0, size - wanted.suffix), size]
      : [wanted.start, Math.min(wanted.end, size)];
  if (
    status !== 206 ||
    start !== first ||
    end !== last ||
    encodingOf(headers) ||
    !ofSameState(object, headers, size)
  ) {
    return undefined;
  }
  record(object, headers, size);
  return { start: first, end: last };
}

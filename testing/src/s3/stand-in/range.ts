import { S3Error } from "./s3-error.js";

/** Half-open, in bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Parses a Range header for an object of `size` bytes, clipped to the object. Undefined for a header that S3 ignores:
 * malformed, several ranges, end before start.
 * @throws S3Error InvalidRange (416) if the range contains no byte of the object
 */
export function parseRange(value: string | undefined, size: number): Span | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(value ?? "");
  if (match === null) return undefined;
  const [first, last] = [match[1] ?? "", match[2] ?? ""];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const count = Math.min(Number(last), size);
    if (count === 0) throw unsatisfiable(value, size);
    return { start: size - count, end: size };
  }
  const start = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= size) throw unsatisfiable(value, size);
  return { start, end };
}

const unsatisfiable = (range: string | undefined, size: number): S3Error =>
  new S3Error(
    416,
    "InvalidRange",
    "The requested range is not satisfiable",
    { RangeRequested: range ?? "", ActualObjectSize: String(size) },
    { "content-range": `bytes */${size}` },
  );

/** Whether a Range header requests a suffix longer than an object of `size` bytes. */
export function isLongSuffix(value: string | undefined, size: number): boolean {
  const match = /^bytes=-(\d+)$/.exec(value ?? "");
  return match !== null && Number(match[1]) > size;
}

/**
 * Parses the range of an UploadPartCopy, which must lie within the source.
 * @throws S3Error InvalidArgument
 */
export function parseCopyRange(value: string, size: number): Span {
  const match = /^bytes=(\d+)-(\d+)$/.exec(value);
  const start = Number(match?.[1]);
  const end = Number(match?.[2]) + 1;
  if (match === null || start >= end || end > size)
    throw new S3Error(
      400,
      "InvalidArgument",
      `Range specified is not valid for source object of size: ${size}`,
      { ArgumentName: "x-amz-copy-source-range", ArgumentValue: value },
    );
  return { start, end };
}

import type { Part, Upload } from "./buckets.js";
import {
  type ChecksumAlgorithm,
  type ChecksumType,
  checksumAlgorithm,
  checksumAlgorithms,
  checksumElement,
  checksumHeader,
  digestContent,
} from "./checksums.js";
import type { Context } from "./context.js";
import { pageSize } from "./listing.js";
import { copySource, storedHeaders } from "./objects.js";
import { parseCopyRange } from "./range.js";
import { header, type Reply, type S3Request } from "./request.js";
import { invalidArgument, invalidRequest, S3Error } from "./s3-error.js";
import { renderXml } from "./xml.js";

const MAX_PARTS = 10_000;
/** S3 copies ranges only from larger sources. */
const MIN_RANGED_SOURCE = 5 << 20;

/** The checksum types that S3 allows for each algorithm of a multipart object. */
function uploadChecksum(request: S3Request): { algorithm?: ChecksumAlgorithm; type?: ChecksumType } {
  const named = header(request.headers, "x-amz-checksum-algorithm");
  const type = header(request.headers, "x-amz-checksum-type");
  if (named === undefined) {
    if (type !== undefined)
      throw invalidRequest(
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
      );
    return {};
  }
  const algorithm = checksumAlgorithm(named);
  const wrong = { COMPOSITE: algorithm === "crc64nvme", FULL_OBJECT: algorithm.startsWith("sha") };
  if (type !== undefined && type !== "COMPOSITE" && type !== "FULL_OBJECT")
    throw invalidRequest("Value for x-amz-checksum-type header is invalid.");
  if (type !== undefined && wrong[type])
    throw invalidRequest(
      `The ${type} checksum type cannot be used with the ${named.toLowerCase()} checksum algorithm.`,
    );
  return { algorithm, type: type ?? (algorithm === "crc64nvme" ? "FULL_OBJECT" : "COMPOSITE") };
}

export function createUpload(context: Context): Reply {
  const { request, bucket } = context;
  const { algorithm, type } = uploadChecksum(request);
  const upload: Upload = {
    id: bucket.newUploadId(),
    key: request.key,
    initiated: Date.now(),
    headers: storedHeaders(request),
    algorithm,
    checksumType: type,
    parts: new Map(),
  };
  bucket.uploads.set(upload.id, upload);
  return {
    status: 200,
    headers: {
      ...(algorithm === undefined ? {} : { "x-amz-checksum-algorithm": algorithm.toUpperCase() }),
      ...(type === undefined ? {} : { "x-amz-checksum-type": type }),
    },
    xml: renderXml("InitiateMultipartUploadResult", {
      Bucket: bucket.name,
      Key: request.key,
      UploadId: upload.id,
    }),
  };
}

/** The upload of a request. */
export function requestedUpload(context: Context): Upload {
  const { request, bucket } = context;
  return bucket.upload(request.query.get("uploadId") ?? "", request.key);
}

function requestedPartNumber(request: S3Request): number {
  const text = request.query.get("partNumber") ?? "";
  const number = /^\d+$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > MAX_PARTS)
    throw invalidArgument(
      "Part number must be an integer between 1 and 10000, inclusive",
      "partNumber",
      text,
    );
  return number;
}

/** Stores a part, replacing one of the same number. @throws S3Error if the upload has ended meanwhile */
function keepPart(context: Context, number: number, part: Part): void {
  let upload: Upload;
  try {
    upload = requestedUpload(context);
  } catch (error) {
    part.content.release();
    throw error;
  }
  upload.parts.get(number)?.content.release();
  upload.parts.set(number, part);
}

export async function uploadPart(context: Context): Promise<Reply> {
  const { request } = context;
  const number = requestedPartNumber(request);
  const { algorithm } = requestedUpload(context);
  const sent = checksumAlgorithms.find((name) => request.headers[checksumHeader(name)] !== undefined);
  if (algorithm !== undefined && sent !== undefined && sent !== algorithm)
    throw invalidRequest(
      `Checksum Type mismatch occurred, expected checksum Type: ${algorithm}, actual checksum Type: ${sent}`,
    );
  const body = await context.body(algorithm);
  const kept = algorithm ?? [...body.digests.keys()][0];
  const value = kept === undefined ? undefined : body.digests.get(kept);
  const part: Part = {
    content: body.content,
    etag: context.etag(body.md5),
    lastModified: Date.now(),
    checksum: kept === undefined || value === undefined ? undefined : { algorithm: kept, value },
  };
  keepPart(context, number, part);
  return {
    status: 200,
    headers: {
      etag: part.etag,
      ...(kept === undefined || value === undefined ? {} : { [checksumHeader(kept)]: value }),
    },
  };
}

export async function uploadPartCopy(context: Context): Promise<Reply> {
  const { request, behavior } = context;
  if (behavior.copiedParts === "denied") throw new S3Error(403, "AccessDenied", "Access Denied.");
  if (behavior.copiedParts === "length-required")
    throw new S3Error(411, "MissingContentLength", "You must provide the Content-Length HTTP header.");
  const number = requestedPartNumber(request);
  const { algorithm } = requestedUpload(context);
  const source = copySource(context);
  const rangeText = header(request.headers, "x-amz-copy-source-range");
  const range =
    rangeText === undefined
      ? { start: 0, end: source.content.size }
      : parseCopyRange(rangeText, source.content.size);
  if (rangeText !== undefined && source.content.size <= MIN_RANGED_SOURCE)
    throw invalidRequest("The specified copy source is not supported as a byte-range copy source");
  const content = source.content.slice(range.start, range.end);
  const { md5, digest } = await digestContent(content, algorithm);
  const part: Part = {
    content,
    etag: context.etag(md5),
    lastModified: Date.now(),
    checksum: algorithm === undefined ? undefined : { algorithm, value: digest },
  };
  keepPart(context, number, part);
  return {
    status: 200,
    xml: renderXml("CopyPartResult", {
      LastModified: new Date(part.lastModified).toISOString(),
      ETag: part.etag,
      ...(algorithm === undefined ? {} : { [checksumElement(algorithm)]: digest }),
    }),
  };
}

/** The upload of a request, or undefined if it has ended and the behavior hides that. @throws S3Error */
function openUpload(context: Context): Upload | undefined {
  try {
    return requestedUpload(context);
  } catch (error) {
    const { endedUploads } = context.behavior;
    if (endedUploads === "vague") return undefined;
    if (endedUploads === "denied") throw new S3Error(403, "AccessDenied", "Access Denied.");
    throw error;
  }
}

export function abortUpload(context: Context): Reply {
  if (context.behavior.aborts === "refused")
    throw new S3Error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.");
  const upload = openUpload(context);
  if (upload !== undefined) context.bucket.endUpload(upload);
  return { status: 204 };
}

export function listParts(context: Context): Reply {
  const { request, bucket } = context;
  const upload = openUpload(context);
  const marker = Number(request.query.get("part-number-marker") ?? 0);
  const limit = pageSize(context, "max-parts");
  const parts = [...(upload?.parts ?? [])].filter(([number]) => number > marker).sort(([a], [b]) => a - b);
  const page = parts.slice(0, limit);
  const last = page.at(-1);
  return {
    status: 200,
    xml: renderXml("ListPartsResult", {
      Bucket: bucket.name,
      Key: request.key,
      UploadId: request.query.get("uploadId"),
      StorageClass: "STANDARD",
      PartNumberMarker: marker,
      NextPartNumberMarker: last?.[0] ?? 0,
      MaxParts: limit,
      IsTruncated: parts.length > page.length,
      ChecksumAlgorithm: upload?.algorithm?.toUpperCase(),
      ChecksumType: upload?.checksumType,
      Part: page.map(([PartNumber, part]) => ({
        PartNumber,
        LastModified: new Date(part.lastModified).toISOString(),
        ETag: part.etag,
        Size: part.content.size,
        ...(part.checksum === undefined
          ? {}
          : { [checksumElement(part.checksum.algorithm)]: part.checksum.value }),
      })),
    }),
  };
}

import type { ObjectHeaders, StoredObject } from "./buckets.js";
import {
  type Checksum,
  type ChecksumAlgorithm,
  checksumAlgorithm,
  checksumElement,
  checksumHeader,
  digestContent,
} from "./checksums.js";
import { checkRead, checkWrite } from "./conditions.js";
import type { Context } from "./context.js";
import { isLongSuffix, parseRange } from "./range.js";
import { header, type Reply, type S3Request } from "./request.js";
import { noSuchKey, S3Error } from "./s3-error.js";
import { readXml, renderXml } from "./xml.js";

const STORED_HEADERS = [
  "content-type",
  "content-disposition",
  "content-language",
  "cache-control",
  "expires",
] as const;

/** The headers of a write that reads return. */
export function storedHeaders(request: S3Request): ObjectHeaders {
  const stored: Record<string, string> = { "content-type": "binary/octet-stream" };
  for (const name of STORED_HEADERS) {
    const value = header(request.headers, name);
    if (value !== undefined) stored[name] = value;
  }
  const encoding = (header(request.headers, "content-encoding") ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "" && part !== "aws-chunked");
  if (encoding.length > 0) stored["content-encoding"] = encoding.join(",");
  for (const name of Object.keys(request.headers))
    if (name.startsWith("x-amz-meta-")) stored[name] = header(request.headers, name) ?? "";
  return stored;
}

/** An object's checksum as headers. */
export const checksumHeaders = (checksum: Checksum | undefined): Record<string, string> =>
  checksum === undefined
    ? {}
    : { [checksumHeader(checksum.algorithm)]: checksum.value, "x-amz-checksum-type": checksum.type };

/** An object's checksum as XML elements. */
export const checksumElements = (checksum: Checksum | undefined): Record<string, string> =>
  checksum === undefined
    ? {}
    : { [checksumElement(checksum.algorithm)]: checksum.value, ChecksumType: checksum.type };

/** An object of an unversioned bucket has the single version "null". */
export function checkVersion(versionId: string | undefined, key: string): void {
  if (versionId !== undefined && versionId !== "null")
    throw new S3Error(404, "NoSuchVersion", "The specified version does not exist.", {
      Key: key,
      VersionId: versionId,
    });
}

export async function putObject(context: Context): Promise<Reply> {
  const { request, bucket } = context;
  const body = await context.body();
  const [digest] = [...body.digests];
  const checksum: Checksum | undefined =
    digest === undefined ? undefined : { algorithm: digest[0], value: digest[1], type: "FULL_OBJECT" };
  const object: StoredObject = {
    content: body.content,
    etag: context.etag(body.md5),
    lastModified: Date.now(),
    headers: storedHeaders(request),
    checksum,
  };
  try {
    checkWrite(request.headers, bucket.find(request.key), request.key);
  } catch (error) {
    body.content.release();
    throw error;
  }
  bucket.set(request.key, object);
  return { status: 200, headers: { etag: object.etag, ...checksumHeaders(checksum) } };
}

/** The `response-…` fields of a query, which override response headers. */
function replacedHeaders(request: S3Request): Record<string, string> {
  const replaced: Record<string, string> = {};
  for (const [name, value] of request.query)
    if (name.startsWith("response-")) replaced[name.slice("response-".length)] = value;
  return replaced;
}

export function getObject(context: Context): Reply {
  const { request, bucket } = context;
  checkVersion(request.query.get("versionId"), request.key);
  const object = bucket.get(request.key);
  checkRead(request.headers, object);
  const { size } = object.content;
  const rangeText = header(request.headers, "range");
  const { longSuffixRanges, emptyObjects } = context.behavior;
  const unstated =
    (longSuffixRanges === "refused" && isLongSuffix(rangeText, size)) ||
    (emptyObjects === "unstated" && size === 0 && rangeText !== undefined);
  if (unstated) throw new S3Error(416, "InvalidRange", "The requested range is not satisfiable");
  const range =
    emptyObjects === "empty" && size === 0 && rangeText !== undefined
      ? { start: 0, end: 0 }
      : parseRange(rangeText, size);
  const { start, end } = range ?? { start: 0, end: size };
  const withChecksum = request.headers["x-amz-checksum-mode"] !== undefined && range === undefined;
  object.content.retain();
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...object.headers,
      ...replacedHeaders(request),
      ...(withChecksum ? checksumHeaders(object.checksum) : {}),
      ...(range === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${size}` }),
      "accept-ranges": "bytes",
      "content-length": String(end - start),
      etag: object.etag,
      "last-modified": new Date(object.lastModified).toUTCString(),
    },
    body: { content: object.content, start, end },
  };
}

export async function deleteObject(context: Context): Promise<Reply> {
  const { request, bucket } = context;
  checkVersion(request.query.get("versionId"), request.key);
  checkWrite(request.headers, bucket.find(request.key), request.key);
  bucket.delete(request.key);
  return { status: 204 };
}

export async function deleteObjects(context: Context): Promise<Reply> {
  const { bucket } = context;
  const document = readXml(await context.text(), "Delete");
  const quiet = document.text("Quiet") === "true";
  const keys = document.all("Object").map((object) => object.text("Key") ?? "");
  for (const key of keys) bucket.delete(key);
  return {
    status: 200,
    xml: renderXml("DeleteResult", { Deleted: quiet ? undefined : keys.map((Key) => ({ Key })) }),
  };
}

/** The source of a copy, with its conditions checked. The caller must retain the content. */
export function copySource(context: Context): StoredObject {
  const { request, storage } = context;
  const [path = "", query = ""] = (header(request.headers, "x-amz-copy-source") ?? "").split("?", 2);
  const decoded = decodeURIComponent(path).replace(/^\//, "");
  const slash = decoded.indexOf("/");
  if (slash < 1)
    throw new S3Error(400, "InvalidArgument", "Invalid copy source object key", {
      ArgumentName: "x-amz-copy-source",
      ArgumentValue: path,
    });
  const key = decoded.slice(slash + 1);
  checkVersion(new URLSearchParams(query).get("versionId") ?? undefined, key);
  const object = storage.bucket(decoded.slice(0, slash)).find(key);
  if (object === undefined) throw noSuchKey(key);
  checkRead(request.headers, object, "x-amz-copy-source-");
  return object;
}

/** Maximum size that S3 copies in one request. */
const MAX_COPY_SIZE = 5 * 1024 ** 3;

export async function copyObject(context: Context): Promise<Reply> {
  const { request, bucket } = context;
  const source = copySource(context);
  const replace = header(request.headers, "x-amz-metadata-directive") === "REPLACE";
  if (source === bucket.find(request.key) && !replace)
    throw new S3Error(
      400,
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  if (source.content.size > MAX_COPY_SIZE)
    throw new S3Error(
      400,
      "InvalidRequest",
      "The specified copy source is larger than the maximum allowable size",
    );
  const { content } = source;
  content.retain();
  try {
    const digests = await copyDigests(context, source);
    checkWrite(request.headers, bucket.find(request.key), request.key);
    const copy: StoredObject = {
      content,
      etag: digests.etag,
      lastModified: Date.now(),
      headers: replace ? storedHeaders(request) : source.headers,
      checksum: digests.checksum,
    };
    content.retain();
    bucket.set(request.key, copy);
    return {
      status: 200,
      xml: renderXml("CopyObjectResult", {
        LastModified: new Date(copy.lastModified).toISOString(),
        ETag: copy.etag,
        ...checksumElements(copy.checksum),
      }),
    };
  } finally {
    content.release();
  }
}

/** ETag and checksum of a copy. Both cover the whole body, even if the source was uploaded in parts. */
async function copyDigests(
  context: Context,
  source: StoredObject,
): Promise<{ etag: string; checksum: Checksum | undefined }> {
  const requested = header(context.request.headers, "x-amz-checksum-algorithm");
  const algorithm: ChecksumAlgorithm | undefined =
    requested === undefined ? source.checksum?.algorithm : checksumAlgorithm(requested);
  const known = algorithm === source.checksum?.algorithm && source.checksum?.type !== "COMPOSITE";
  if (known && !source.etag.includes("-") && context.behavior.etags !== "opaque")
    return { etag: source.etag, checksum: source.checksum };
  const { md5, digest } = await digestContent(source.content, algorithm);
  return {
    etag: context.etag(md5),
    checksum: algorithm === undefined ? undefined : { algorithm, value: digest, type: "FULL_OBJECT" },
  };
}

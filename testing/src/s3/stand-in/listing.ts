import { type Bucket, byBytes } from "./buckets.js";
import type { Context } from "./context.js";
import type { Reply } from "./request.js";
import { invalidArgument, S3Error } from "./s3-error.js";
import { renderXml } from "./xml.js";

const PAGE = 1000;

/** A page size from the query, at most 1000. */
export function pageSize(context: Context, name: string): number {
  const text = context.request.query.get(name);
  if (text === undefined || text === "") return PAGE;
  if (!/^\d+$/.test(text))
    throw invalidArgument(`Provided ${name} not an integer or within integer range`, name, text);
  return Math.min(Number(text), PAGE);
}

/** Encodes names in the response: percent-encoded if the request asks for it. */
export function nameEncoder(context: Context): (name: string) => string {
  const type = context.request.query.get("encoding-type");
  if (type === undefined) return (name) => name;
  if (type !== "url")
    throw invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", type);
  return (name) => encodeURIComponent(name).replaceAll("%2F", "/");
}

/** One page of names and common prefixes. */
export interface NamePage {
  readonly names: readonly string[];
  readonly prefixes: readonly string[];
  /** The last name or prefix of the page if there are more. */
  readonly next: string | undefined;
}

/**
 * Takes one page from sorted names.
 * @param after the page starts after this name; a common prefix covers all names with it
 */
export function pageOfNames(
  sorted: readonly string[],
  options: { prefix: string; delimiter: string; after: string; limit: number },
): NamePage {
  const { prefix, delimiter, after, limit } = options;
  const names: string[] = [];
  const prefixes: string[] = [];
  let last = after;
  const below = (name: string): boolean =>
    delimiter !== "" && last.length > prefix.length && last.endsWith(delimiter) && name.startsWith(last);
  for (const name of sorted) {
    if (!name.startsWith(prefix) || (last !== "" && byBytes(name, last) <= 0) || below(name)) continue;
    if (names.length + prefixes.length >= limit)
      return { names, prefixes, next: limit === 0 ? undefined : last };
    const cut = delimiter === "" ? -1 : name.indexOf(delimiter, prefix.length);
    if (cut < 0) {
      names.push(name);
      last = name;
    } else {
      last = name.slice(0, cut + delimiter.length);
      prefixes.push(last);
    }
  }
  return { names, prefixes, next: undefined };
}

const objectElements = (bucket: Bucket, encode: (name: string) => string, key: string) => {
  const object = bucket.get(key);
  return {
    Key: encode(key),
    LastModified: new Date(object.lastModified).toISOString(),
    ETag: object.etag,
    ...(object.checksum === undefined ? {} : { ChecksumAlgorithm: object.checksum.algorithm.toUpperCase() }),
    Size: object.content.size,
    StorageClass: "STANDARD",
  };
};

export function listObjectsV2(context: Context): Reply {
  const { request, bucket } = context;
  const encode = nameEncoder(context);
  const prefix = request.query.get("prefix") ?? "";
  const delimiter = request.query.get("delimiter") ?? "";
  const token = request.query.get("continuation-token");
  const startAfter = request.query.get("start-after");
  const limit = pageSize(context, "max-keys");
  const after = token === undefined ? (startAfter ?? "") : Buffer.from(token, "base64url").toString("utf8");
  const page = pageOfNames(bucket.keys(), { prefix, delimiter, after, limit });
  return {
    status: 200,
    xml: renderXml("ListBucketResult", {
      Name: bucket.name,
      Prefix: encode(prefix),
      Delimiter: delimiter === "" ? undefined : encode(delimiter),
      StartAfter: startAfter === undefined ? undefined : encode(startAfter),
      ContinuationToken: token,
      NextContinuationToken:
        page.next === undefined ? undefined : Buffer.from(page.next).toString("base64url"),
      KeyCount: page.names.length + page.prefixes.length,
      MaxKeys: limit,
      EncodingType: request.query.get("encoding-type"),
      IsTruncated: page.next !== undefined,
      Contents: page.names.map((key) => objectElements(bucket, encode, key)),
      CommonPrefixes: page.prefixes.map((name) => ({ Prefix: encode(name) })),
    }),
  };
}

export function listBuckets(context: Context): Reply {
  const buckets = [...context.storage.buckets.values()].sort((a, b) => byBytes(a.name, b.name));
  return {
    status: 200,
    xml: renderXml("ListAllMyBucketsResult", {
      Owner: { ID: "stand-in", DisplayName: "stand-in" },
      Buckets: {
        Bucket: buckets.map((bucket) => ({
          Name: bucket.name,
          CreationDate: new Date(bucket.created).toISOString(),
        })),
      },
    }),
  };
}

/** Lists uploads in progress by key, then by age. */
export function listUploads(context: Context): Reply {
  const { request, bucket } = context;
  const encode = nameEncoder(context);
  const prefix = request.query.get("prefix") ?? "";
  const keyMarker = request.query.get("key-marker") ?? "";
  const idMarker = request.query.get("upload-id-marker") ?? "";
  const limit = pageSize(context, "max-uploads");
  if (context.behavior.emptyUploadLists === "not-found" && bucket.uploads.size === 0)
    throw new S3Error(404, "NoSuchUpload", "The specified upload does not exist.");
  const exact = context.behavior.uploadPrefixes === "exact" && prefix !== "";
  const uploads = [...bucket.uploads.values()]
    .filter(({ key }) => (exact ? key === prefix : key.startsWith(prefix)))
    .sort((a, b) => byBytes(a.key, b.key) || byBytes(a.id, b.id))
    .filter((upload) => {
      const order = byBytes(upload.key, keyMarker);
      return (
        keyMarker === "" || order > 0 || (order === 0 && idMarker !== "" && byBytes(upload.id, idMarker) > 0)
      );
    });
  const page = uploads.slice(0, limit);
  const last = uploads.length > limit ? page.at(-1) : undefined;
  return {
    status: 200,
    xml: renderXml("ListMultipartUploadsResult", {
      Bucket: bucket.name,
      KeyMarker: encode(keyMarker),
      UploadIdMarker: idMarker,
      NextKeyMarker: last === undefined ? undefined : encode(last.key),
      NextUploadIdMarker: last?.id,
      Prefix: encode(prefix),
      EncodingType: request.query.get("encoding-type"),
      MaxUploads: limit,
      IsTruncated: last !== undefined,
      Upload: page.map((upload) => ({
        Key: encode(upload.key),
        UploadId: upload.id,
        Initiated: new Date(upload.initiated).toISOString(),
        StorageClass: "STANDARD",
        ChecksumAlgorithm: upload.algorithm?.toUpperCase(),
        ChecksumType: upload.checksumType,
      })),
    }),
  };
}

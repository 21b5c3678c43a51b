import { PeekpackError } from "@peekpack/core";
import { copySourceHeader } from "./copy-source.js";
import type { UploadOperation } from "./http-operations.js";
import { S3_LIMITS } from "./limits.js";
import { parseLocation } from "./location.js";
import type { PresignOptions, S3Store } from "./store.js";
import { isMark, MARK_HEADER } from "./write-mark.js";

/**
 * A request that a client asks to sign: what {@link presignedTarget} passes to its presigner, for example as JSON. Nothing in it is
 * trusted.
 */
export interface UploadRequest {
  readonly operation: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Options of {@link presignUpload}. */
export interface PresignUploadOptions {
  /** Seconds from now until the URL expires, at most a week. Default 3,600. */
  readonly expiresIn?: number | undefined;
  /** Paths of objects that the client may copy parts from. Default: none. */
  readonly copySources?: readonly string[] | undefined;
}

interface AllowedRequest {
  readonly method: NonNullable<PresignOptions["method"]>;
  /** The query parameters of the request, and their checks. */
  readonly query: Readonly<Record<string, (value: string | undefined) => string | undefined>>;
  readonly headers: readonly string[];
}

const CONDITIONS = ["if-match", "if-none-match"];
const CHECKSUMS = [
  "content-md5",
  "x-amz-checksum-crc32",
  "x-amz-checksum-crc32c",
  "x-amz-checksum-crc64nvme",
  "x-amz-checksum-sha1",
  "x-amz-checksum-sha256",
];
/** Identifies the write, so that its client recognizes it after a lost response. */
const MARK = [MARK_HEADER];
const BODY = [...CHECKSUMS, "content-type", "content-length"];

const uploadId = (value: string | undefined): string =>
  value !== undefined && /^[\x21-\x7e]{1,2048}$/.test(value) ? value : refuse("uploadId is missing");
const partNumber = (value: string | undefined): string =>
  isPartNumber(value) ? value : refuse("partNumber is not from 1 to 10,000");
const optionalMarker = (value: string | undefined): string | undefined =>
  value === undefined || isPartNumber(value) ? value : refuse("part-number-marker is not a part number");

/** Everything that is signed. No ACL, no grant, no deletion of an object. */
const OPERATIONS: Readonly<Record<Exclude<UploadOperation, "DeleteObject">, AllowedRequest>> = {
  PutObject: { method: "PUT", query: {}, headers: [...CONDITIONS, ...BODY, ...MARK] },
  CreateMultipartUpload: {
    method: "POST",
    query: { uploads: () => "" },
    headers: ["x-amz-checksum-algorithm", "x-amz-checksum-type", "content-type", ...MARK],
  },
  UploadPart: { method: "PUT", query: { partNumber, uploadId }, headers: BODY },
  UploadPartCopy: {
    method: "PUT",
    query: { partNumber, uploadId },
    headers: ["x-amz-copy-source", "x-amz-copy-source-range", "x-amz-copy-source-if-match"],
  },
  ListParts: { method: "GET", query: { uploadId, "part-number-marker": optionalMarker }, headers: [] },
  CompleteMultipartUpload: {
    method: "POST",
    query: { uploadId },
    headers: [...CONDITIONS, ...BODY, "x-amz-checksum-type"],
  },
  AbortMultipartUpload: { method: "DELETE", query: { uploadId }, headers: [] },
  HeadObject: { method: "HEAD", query: {}, headers: [] },
};

/**
 * Signs a request of a client's upload to one object: the server's side of {@link presignedTarget}. The client chooses an operation
 * from a closed list. Method and query follow from it. Of its headers, only conditions, checksums, content type, content length and
 * the mark of the write are signed, and a copy source from `copySources`; others are ignored. The caller decides who may write to
 * `path`.
 *
 * @example
 * const request = JSON.parse(body);
 * const url = await presignUpload(store, `uploads/${user.id}/data.msglc`, request);
 * @throws PeekpackError `denied` if the request is not allowed
 * @throws TypeError if the path is invalid
 * @throws RangeError if `expiresIn` is not from 1 to 604,800
 */
export async function presignUpload(
  store: Pick<S3Store, "presign">,
  path: string,
  request: UploadRequest,
  options: PresignUploadOptions = {},
): Promise<string> {
  parseLocation(path);
  const { operation, query, headers } = checkRequest(request);
  if (!Object.hasOwn(OPERATIONS, operation)) refuse("the operation is not part of an upload");
  const allowed = OPERATIONS[operation as keyof typeof OPERATIONS];
  const parameters = Object.entries(allowed.query).flatMap(([name, check]) => {
    const value = check(query.get(name));
    return value === undefined ? [] : [[name, value] as const];
  });
  const signed = allowed.headers.flatMap((name) => {
    const value = headers.get(name);
    if (value === undefined) return [];
    const valid = name === MARK_HEADER ? isMark(value) : /^[\x20-\x7e]{1,8192}$/.test(value);
    return valid ? [[name, value] as const] : refuse("a header is invalid");
  });
  if (operation === "UploadPartCopy") checkCopySource(headers.get("x-amz-copy-source"), options.copySources);
  return store.presign(path, {
    method: allowed.method,
    query: Object.fromEntries(parameters),
    headers: Object.fromEntries(signed),
    expiresIn: options.expiresIn,
  });
}

/** The parts of a request that have the right shape. */
function checkRequest(request: unknown): {
  readonly operation: string;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: ReadonlyMap<string, string>;
} {
  if (typeof request !== "object" || request === null) return refuse("it is not an object");
  const { operation, query, headers } = request as Readonly<Record<string, unknown>>;
  if (typeof operation !== "string") return refuse("it has no operation");
  return { operation, query: textsOf(query), headers: textsOf(headers, (name) => name.toLowerCase()) };
}

function textsOf(record: unknown, normalize = (name: string): string => name): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(record ?? {})) {
    if (typeof value !== "string" || texts.has(normalize(name))) refuse("a parameter or header is invalid");
    texts.set(normalize(name), value);
  }
  return texts;
}

function checkCopySource(header: string | undefined, allowed: readonly string[] = []): void {
  const source = header?.replace(/\?versionId=[A-Za-z0-9._%-]{1,1024}$/, "");
  const matches = allowed.some((path) => copySourceHeader(parseLocation(path)) === source);
  if (!matches) refuse("the copy source is not allowed");
}

function isPartNumber(value: string | undefined): value is string {
  return value !== undefined && /^[1-9]\d{0,4}$/.test(value) && Number(value) <= S3_LIMITS.parts;
}

/** Quotes nothing of the request. */
function refuse(reason: string): never {
  throw new PeekpackError("denied", `The upload request is not allowed: ${reason}.`, { section: "sink" });
}

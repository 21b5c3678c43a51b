import { PeekpackError } from "@peekpack/core";
import type { S3Connection } from "./connection.js";
import { sameTag } from "./etag.js";
import { keyDecoder, type ListContext, requestList } from "./list-request.js";
import type { ObjectLocation } from "./location.js";
import type { FoundObject } from "./object-operations.js";
import { checkPutMode } from "./put-mode.js";
import { type WriteRetryOptions, withRetries } from "./retry.js";
import { s3Error } from "./s3-error.js";
import { serverDate } from "./server-date.js";
import { signedOperations } from "./signed-operations.js";
import type { PutMode, TransferOptions, UploadTarget } from "./upload-target.js";
import { xmlElements, xmlText } from "./xml.js";

/** An object of a store, without its content. */
export interface StoreObject {
  /** 'bucket/key', for the other methods of the store. */
  readonly path: string;
  /** The key as S3 stores it. */
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** With quotes. Undefined if the server does not expose it. */
  readonly etag?: string | undefined;
  /** Of `store.head`. Undefined if the bucket has no versions. */
  readonly versionId?: string | undefined;
  /** When it was written, by the server's clock. */
  readonly modified?: Date | undefined;
}

/** Options of `store.list`. */
export interface ListOptions {
  /** Maximum number of objects. Default: all. */
  readonly limit?: number | undefined;
  /** Lists only keys after this one, in the server's order. It need not exist. */
  readonly startAfter?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of `store.delete`. */
export interface DeleteOptions {
  /** ETag that the object must have. */
  readonly ifMatch?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What looking up one object needs of a store. */
export interface ObjectContext {
  readonly location: ObjectLocation;
  readonly label: string;
  readonly connection: S3Connection;
  readonly retry: WriteRetryOptions | undefined;
}

/** What deleting needs of a store. */
export interface DeleteContext extends ObjectContext {
  target(location: ObjectLocation, put: PutMode): Promise<UploadTarget>;
}

/** S3 lists at most this many objects at a time. */
const PAGE = 1000;

/** Lists objects, page by page; see `S3Store.list`. */
export async function* listObjects(
  context: ListContext,
  { limit = Number.POSITIVE_INFINITY, startAfter, signal }: ListOptions,
): AsyncGenerator<StoreObject> {
  const action = "list the objects";
  const failed = { action, label: context.label };
  let token: string | undefined;
  for (let left = limit; ; ) {
    signal?.throwIfAborted();
    const page = await requestList(
      context,
      action,
      {
        "list-type": "2",
        "max-keys": String(Math.min(PAGE, left)),
        ...(startAfter && { "start-after": startAfter }),
        ...(token !== undefined && { "continuation-token": token }),
      },
      signal,
      // A proxy's own page, or one that broke off, would pass for an empty list.
      (text) => /<ListBucketResult[\s>]/.test(text) && text.includes("</ListBucketResult>"),
    );
    const decode = keyDecoder(page);
    for (const object of xmlElements(page, "Contents")) {
      signal?.throwIfAborted();
      const key = decode(xmlText(object, "Key") ?? "");
      // A server may list any key.
      if (key === "" || !key.startsWith(context.prefix)) continue;
      const size = Number(xmlText(object, "Size") || Number.NaN);
      if (!Number.isSafeInteger(size) || size < 0) throw s3Error({}, failed);
      yield {
        path: `${context.bucket}/${key}`,
        key,
        size,
        etag: xmlText(object, "ETag") || undefined,
        modified: serverDate(xmlText(object, "LastModified")),
      };
      if (--left === 0) return;
    }
    if (xmlText(page, "IsTruncated") !== "true") return;
    const next = xmlText(page, "NextContinuationToken");
    // Without one that advances, the rest would be lost or this would not end.
    if (!next || next === token) throw s3Error({}, failed);
    token = next;
  }
}

/** Looks an object up; see `S3Store.head`. */
export async function headObject(context: ObjectContext, options: TransferOptions): Promise<StoreObject> {
  const found = await findObject(context, options);
  const { bucket, key } = context.location;
  if (found === undefined) throw s3Error({ status: 404 }, { action: LOOK_UP, label: context.label });
  const { mark: _, ...object } = found;
  return { path: `${bucket}/${key}`, key, ...object };
}

const LOOK_UP = "look up the object";

/** The object, or undefined if there is none. */
export function findObject(
  { connection, location, label, retry }: ObjectContext,
  { signal }: TransferOptions,
): Promise<FoundObject | undefined> {
  const operations = signedOperations(connection, location, label);
  return withRetries((attempt) => operations.head({ signal: attempt.signal }), {
    action: LOOK_UP,
    label,
    retry,
    signal,
  });
}

/** Rejects if the object does not meet the condition of a write. */
export function checkCondition(
  found: FoundObject | undefined,
  put: PutMode,
  { action, label }: { readonly action: string; readonly label: string },
): void {
  if (put === "overwrite") return;
  if (put === "create") {
    if (found !== undefined) throw s3Error({ status: 412 }, { action, label, put });
    return;
  }
  if (found !== undefined && found.etag === undefined) {
    throw new PeekpackError("conflict", `${label}: the server exposes no ETag to compare.`, {
      section: "sink",
    });
  }
  if (!sameTag(found?.etag, put.ifMatch)) {
    throw s3Error({ status: found === undefined ? 404 : 412 }, { action, label, put });
  }
}

/** Deletes an object; see `S3Store.delete`. */
export async function deleteObject(
  context: DeleteContext,
  { ifMatch, signal }: DeleteOptions,
): Promise<void> {
  if (ifMatch !== undefined) {
    // Not every server honors the condition of a DELETE.
    const put = checkPutMode({ ifMatch });
    const found = await findObject(context, { signal });
    checkCondition(found, put, { action: "remove the object", label: context.label });
  }
  const target = await context.target(context.location, "overwrite");
  await target.removeObject!({ ifMatch, signal });
}

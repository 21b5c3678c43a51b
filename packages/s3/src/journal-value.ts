import { S3_LIMITS } from "./limits.js";
import type { OpenUpload, PutMode, UploadedPart } from "./upload-target.js";
import { isMark } from "./write-mark.js";

/*
 * Checks of what the journals of spools hold. A journal lies on a disk or in a browser, where it may be damaged.
 */

/** Whether a value has properties. */
export function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null;
}

/** Whether a value is a number of bytes or items. */
export function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

export function isPutMode(value: unknown): value is PutMode {
  return (
    value === "overwrite" || value === "create" || (isObject(value) && typeof value.ifMatch === "string")
  );
}

export function isOpenUpload(value: unknown): value is OpenUpload {
  return (
    isObject(value) &&
    typeof value.id === "string" &&
    typeof value.crc32 === "boolean" &&
    (value.mark === undefined || isMark(value.mark))
  );
}

export function isUploadedPart(value: unknown): value is UploadedPart {
  return (
    isObject(value) &&
    isSize(value.number) &&
    value.number >= 1 &&
    value.number <= S3_LIMITS.parts &&
    isSize(value.size) &&
    typeof value.etag === "string" &&
    (value.crc32 === undefined || isSize(value.crc32))
  );
}

import { crc32 } from "@peekpack/core/internal";
import type { PutMode } from "@peekpack/s3";
import {
  isObject,
  isOpenUpload,
  isPartSize,
  isPutMode,
  isSize,
  isUploadedPart,
  newSpoolState,
  type OpenUpload,
  SPOOL_LAYOUT,
  type SpoolState,
  type UploadedPart,
} from "@peekpack/s3/internal";
import type { PartStorage } from "./part-medium.js";

/**
 * Stage of a spool. `unfinished`: the archive is incomplete; `sealed`: it is complete, and no part is on the server;
 * `uploading`: some parts are; `committing`: the request that stores the object may have been sent; `done`: the spool is to
 * be removed.
 */
export type SpoolStage = "unfinished" | "sealed" | "uploading" | "committing" | "done";

/** A part that is complete on the disk. */
export interface SealedPart {
  /** Bytes; the first part's without the header. */
  readonly size: number;
  /** CRC32 of these bytes. */
  readonly crc32: number;
}

/** Metadata of a spool. Holds no credential. */
export interface SpoolHead {
  readonly id: string;
  /** Label of the target. */
  readonly target: string;
  readonly put: PutMode;
  readonly storage: PartStorage;
  /** Size of every part but the last in bytes, header included. */
  readonly partSize: number;
  /** Milliseconds since 1970. */
  readonly begun: number;
  readonly state: SpoolStage;
  /** The header of the archive, to be sent before the first part; known once the spool is sealed. */
  readonly header?: Uint8Array | undefined;
  /** Number of parts; known once the spool is sealed. */
  readonly partCount?: number | undefined;
  /** The open multipart upload. */
  readonly upload?: OpenUpload | undefined;
  /** Code of the error that the last upload failed with. */
  readonly failure?: string | undefined;
  /** Whether parts were removed here, so that only the server has them. Recorded before the first removal. */
  readonly partsRemoved?: boolean | undefined;
  /** Abandoned uploads of which the server may still have parts. */
  readonly abandoned: readonly OpenUpload[];
}

/** The state that the records of a spool describe. */
export function stateOf(
  head: SpoolHead,
  sealed: ReadonlyMap<number, SealedPart>,
  uploaded: ReadonlyMap<number, UploadedPart>,
): SpoolState {
  const {
    target,
    put,
    partSize,
    begun,
    state,
    header,
    upload,
    abandoned,
    partsRemoved = false,
    failure,
  } = head;
  return {
    ...newSpoolState({ target, put, partSize, begun: new Date(begun) }),
    sealed: header && { header, size: archiveSize(head, sealed) },
    upload: upload && { upload, partSize, parts: [...uploaded.values()] },
    committing: state === "committing",
    abandoned,
    partsRemoved,
    failure,
  };
}

/** The head of a spool in a later state. */
export function headAfter(head: SpoolHead, next: SpoolState): SpoolHead {
  const { target, put, sealed, upload, committing, abandoned, partsRemoved, failure } = next;
  let state: SpoolStage = "unfinished";
  if (sealed !== undefined) state = committing ? "committing" : upload === undefined ? "sealed" : "uploading";
  return { ...head, target, put, state, upload: upload?.upload, abandoned, partsRemoved, failure };
}

/** Size of the archive in bytes, or of its sealed parts. */
export function archiveSize(head: SpoolHead, sealed: ReadonlyMap<number, SealedPart>): number {
  let size = head.header?.length ?? 0;
  for (const part of sealed.values()) size += part.size;
  return size;
}

/** A record of the journal, as IndexedDB stores it. */
export interface StoredRecord {
  /** Readable by any version. */
  readonly layout: number;
  /** JSON. */
  readonly text: string;
  /** CRC32 of the text in UTF-8. */
  readonly crc32: number;
}

/** Encodes a record with its checksum. */
export function encodeRecord(value: SpoolHead | SealedPart | UploadedPart): StoredRecord {
  const text = JSON.stringify(value, (_, item: unknown) =>
    item instanceof Uint8Array ? base64(item) : item,
  );
  return { layout: SPOOL_LAYOUT, text, crc32: crc32(new TextEncoder().encode(text)) };
}

/** The layout of a stored record; undefined if it names none. */
export function layoutOf(stored: unknown): number | undefined {
  const { layout } = (stored ?? {}) as Partial<StoredRecord>;
  return typeof layout === "number" ? layout : undefined;
}

/** Decodes the metadata of a spool. Undefined if it is damaged. */
export function decodeHead(stored: unknown): SpoolHead | undefined {
  const value = decode(stored);
  if (!isObject(value)) return undefined;
  const header = typeof value.header === "string" ? fromBase64(value.header) : undefined;
  const valid =
    typeof value.id === "string" &&
    typeof value.target === "string" &&
    isPutMode(value.put) &&
    (value.storage === "opfs" || value.storage === "indexeddb") &&
    isPartSize(value.partSize) &&
    isSize(value.begun) &&
    ["unfinished", "sealed", "uploading", "committing", "done"].includes(String(value.state)) &&
    (header !== undefined || value.header === undefined) &&
    (value.partCount === undefined || isSize(value.partCount)) &&
    (value.upload === undefined || isOpenUpload(value.upload)) &&
    (value.failure === undefined || typeof value.failure === "string") &&
    (value.partsRemoved === undefined || typeof value.partsRemoved === "boolean") &&
    Array.isArray(value.abandoned) &&
    value.abandoned.every(isOpenUpload);
  return valid ? ({ ...value, header } as unknown as SpoolHead) : undefined;
}

/** Decodes a sealed part. Undefined if it is damaged. */
export function decodeSealed(stored: unknown): SealedPart | undefined {
  const value = decode(stored);
  return isObject(value) && isSize(value.size) && isSize(value.crc32)
    ? { size: value.size, crc32: value.crc32 }
    : undefined;
}

/** Decodes an uploaded part. Undefined if it is damaged. */
export function decodeUploaded(stored: unknown): UploadedPart | undefined {
  const value = decode(stored);
  return isUploadedPart(value) ? value : undefined;
}

function decode(stored: unknown): unknown {
  const { layout, text, crc32: sum } = (stored ?? {}) as Partial<StoredRecord>;
  if (layout !== SPOOL_LAYOUT || typeof text !== "string") return undefined;
  if (crc32(new TextEncoder().encode(text)) !== sum) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

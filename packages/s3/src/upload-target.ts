/**
 * How a write treats an existing object: `overwrite` replaces it, `create` fails (`If-None-Match: *`), and `ifMatch` replaces
 * it only while it has this ETag.
 */
export type PutMode = "overwrite" | "create" | { readonly ifMatch: string };

/** Options of every request of an upload. */
export interface TransferOptions {
  /** Ends the request and its retries. The call rejects with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of the request that uploads a part. */
export interface PartOptions extends TransferOptions {
  /** CRC32 of the part's bytes, if it is known. Otherwise it is computed if the upload has checksums. */
  readonly crc32?: number | undefined;
}

/** Options of the request that begins an upload. */
export interface CreateUploadOptions extends TransferOptions {
  /** Whether parts have checksums, if the endpoint accepts them. Default true. Copied parts have none. */
  readonly checksums?: boolean | undefined;
  /** As {@link CommitOptions.mark}. */
  readonly mark?: string | undefined;
}

/** Options of the request that makes the object appear. */
export interface CommitOptions extends TransferOptions {
  /**
   * Whether an earlier process may already have sent this request. If it is refused, the existing object is compared with the
   * one to write, and the request succeeds if they are the same.
   */
  readonly again?: boolean | undefined;
  /**
   * Identifies this write, by up to 64 letters, digits, `-` and `_`. It is stored with the object, and tells after a lost response
   * whether the object is this write's. Default: random. A later process that repeats the write passes the same. An upload in parts
   * has its mark from its beginning.
   */
  readonly mark?: string | undefined;
}

/** Options of the request that deletes the object. */
export interface RemoveOptions extends TransferOptions {
  /** ETag that the object must have, where the server honors `If-Match` when it deletes. */
  readonly ifMatch?: string | undefined;
}

/** A multipart upload that has begun. Plain data for a journal: contains no credential. */
export interface OpenUpload {
  /** The server's upload id. */
  readonly id: string;
  /** Whether every part has a CRC32. The CRC32 of the whole object is combined from them. */
  readonly crc32: boolean;
  /** What identifies the write, see {@link CommitOptions.mark}. */
  readonly mark?: string | undefined;
}

/** A part that the server has confirmed. Plain data for a journal. */
export interface UploadedPart {
  /** 1 to 10,000. */
  readonly number: number;
  /** Bytes. */
  readonly size: number;
  /** With quotes, as the server sent it. */
  readonly etag: string;
  /** CRC32 of the part's bytes as an unsigned number, if the upload has checksums. */
  readonly crc32?: number | undefined;
}

/** An object that was written or found. */
export interface StoredObject {
  /** Bytes. */
  readonly size: number;
  /** With quotes. Undefined if the server does not expose it. */
  readonly etag?: string | undefined;
  /** Undefined if the bucket has no versions. */
  readonly versionId?: string | undefined;
}

/** A byte range of an object that the server copies as a part. */
export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  /** The version to copy. */
  readonly versionId?: string | undefined;
  /** ETag with quotes. The server refuses the copy (412) if the object has another. */
  readonly ifMatch?: string | undefined;
  /** Offset of the first byte. */
  readonly start: number;
  /** Offset after the last byte. */
  readonly end: number;
}

/**
 * One object to upload to, and the condition for writing it. Every method is one request with retries. Bodies are whole
 * `Uint8Array`s that the server can check: by the SHA-256 in the signature, a CRC32, or an MD5. Every call may throw PeekpackError
 * `denied`, `not-found`, `network` or `quota`.
 */
export interface UploadTarget {
  /** Names the object in messages and journals. Contains no credential and no query string. */
  readonly label: string;
  /** The condition for writing the object. */
  readonly put: PutMode;
  /**
   * Writes the whole object with one PUT of at most 5 GiB.
   * @throws PeekpackError `exists` or `changed` if `put` forbids it, `conflict` if other writes kept interfering
   */
  putObject(body: Uint8Array, options?: CommitOptions): Promise<StoredObject>;
  /** Begins a multipart upload. The object does not change before the upload is completed. */
  createUpload(options?: CreateUploadOptions): Promise<OpenUpload>;
  /** Uploads one part, in any order. Replaces an uploaded part of the same number. */
  uploadPart(
    upload: OpenUpload,
    number: number,
    body: Uint8Array,
    options?: PartOptions,
  ): Promise<UploadedPart>;
  /**
   * Copies a range of another object as a part, on the server. Absent if the target cannot copy.
   * @throws PeekpackError `changed` if the source is no longer the pinned version
   */
  copyPart?(
    upload: OpenUpload,
    number: number,
    source: CopySource,
    options?: TransferOptions,
  ): Promise<UploadedPart>;
  /** Lists all uploaded parts, ascending. @throws PeekpackError `not-found` if the upload does not exist */
  listParts(upload: OpenUpload, options?: TransferOptions): Promise<UploadedPart[]>;
  /**
   * Makes the object of these parts, which ascend from 1 without a gap. If the response is lost, or the upload no longer exists, it
   * looks the object up, and succeeds if that is the one that these parts make.
   * @throws PeekpackError `exists` or `changed` if `put` forbids it, `conflict` if other writes kept interfering, `not-found`
   * if the upload does not exist and the object is another
   */
  completeUpload(
    upload: OpenUpload,
    parts: readonly UploadedPart[],
    options?: CommitOptions,
  ): Promise<StoredObject>;
  /**
   * Deletes the object. Succeeds if there is none, unless `ifMatch` is given. Absent if the target cannot delete.
   * @throws PeekpackError `changed` if the object has another ETag than `ifMatch`
   */
  removeObject?(options?: RemoveOptions): Promise<void>;
  /** Removes the upload and its parts from the server. Succeeds if the upload does not exist. */
  abortUpload(upload: OpenUpload, options?: TransferOptions): Promise<void>;
}

import type { CopySource } from "./object-operations.js";

/**
 * How a write treats an object that is already there: `overwrite` replaces whatever is there, `create` refuses to
 * (`If-None-Match: *`), and `ifMatch` replaces only the version with this ETag.
 */
export type PutMode = "overwrite" | "create" | { readonly ifMatch: string };

/** What may accompany every request of an upload. */
export interface TransferOptions {
  /** Ends the request and all further attempts; the call rejects with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What may accompany the beginning of an upload. */
export interface CreateUploadOptions extends TransferOptions {
  /** Whether parts carry checksums, where the endpoint takes them. Default true; false where parts are copied. */
  readonly checksums?: boolean | undefined;
}

/** What may accompany the request that makes the object appear. */
export interface CommitOptions extends TransferOptions {
  /**
   * Whether an earlier process may already have sent this very request: a refusal is then held against the object that
   * is there, and is a success where that is the one meant.
   */
  readonly again?: boolean | undefined;
}

/** A multipart upload that has begun. Plain data, fit for a journal: holds no credential. */
export interface OpenUpload {
  /** The server's id of the upload. */
  readonly id: string;
  /** Whether parts carry a CRC32, from which that of the whole object is combined. */
  readonly crc32: boolean;
}

/** One part that the server has. Plain data, fit for a journal. */
export interface UploadedPart {
  /** From 1 to 10,000. */
  readonly number: number;
  /** Bytes. */
  readonly size: number;
  /** With its quotes, as the server gave it. */
  readonly etag: string;
  /** CRC32 of the part's bytes as an unsigned number, where the upload has checksums. */
  readonly crc32?: number | undefined;
}

/** An object that a write has made, or that was found. */
export interface StoredObject {
  /** Bytes. */
  readonly size: number;
  /** With its quotes. Absent where the server does not show it. */
  readonly etag?: string | undefined;
  /** Absent where the bucket has no versions. */
  readonly versionId?: string | undefined;
}

/**
 * Where a spool uploads to: one object and the condition under which it may be written. Every method is one request, tried
 * again while that makes sense. Bodies are whole `Uint8Array`s that the server can check: with their SHA-256 in the
 * signature, a CRC32, or an MD5. Unless said otherwise each call throws PeekpackError `denied`, `not-found`, `network`
 * or `quota`.
 */
export interface UploadTarget {
  /** Names the object in messages and journals: no credential, no query string. */
  readonly label: string;
  /** The condition under which the object is written. */
  readonly put: PutMode;
  /**
   * Writes the whole object with one PUT of at most 5 GiB.
   * @throws PeekpackError `exists`, `changed` when `put` forbids it, `conflict` when writers kept colliding
   */
  putObject(body: Uint8Array, options?: CommitOptions): Promise<StoredObject>;
  /** Begins a multipart upload. Nothing is visible of it until it is completed. */
  createUpload(options?: CreateUploadOptions): Promise<OpenUpload>;
  /** Uploads one part, in any order; a number that is already there is replaced. */
  uploadPart(
    upload: OpenUpload,
    number: number,
    body: Uint8Array,
    options?: TransferOptions,
  ): Promise<UploadedPart>;
  /**
   * Has the server copy a range of another object as a part. Absent where the target cannot.
   * @throws PeekpackError `changed` when the source is no longer the one that is pinned
   */
  copyPart?(
    upload: OpenUpload,
    number: number,
    source: CopySource,
    options?: TransferOptions,
  ): Promise<UploadedPart>;
  /** Lists every part that the server has, ascending. @throws PeekpackError `not-found` when the upload is no more */
  listParts(upload: OpenUpload, options?: TransferOptions): Promise<UploadedPart[]>;
  /**
   * Makes the object of these parts, ascending and numbered without a gap. Where the answer is lost, or the upload is gone,
   * the object is looked up: it counts as success when it is the one that these parts make. So it is where an earlier attempt
   * may have taken effect, whatever the server says of the last.
   * @throws PeekpackError `exists`, `changed` when `put` forbids it, `conflict` when writers kept colliding, `not-found`
   * when the upload is gone and the object is another
   */
  completeUpload(
    upload: OpenUpload,
    parts: readonly UploadedPart[],
    options?: CommitOptions,
  ): Promise<StoredObject>;
  /** Removes the object, for the temporary ones of a large combination. Absent where the target cannot. */
  removeObject?(options?: TransferOptions): Promise<void>;
  /** Gives the upload up, and the parts that the server has. An upload that is gone is no error. */
  abortUpload(upload: OpenUpload, options?: TransferOptions): Promise<void>;
}

import type { OpenUpload, PutMode, StoredObject, TransferOptions, UploadedPart } from "./upload-target.js";

/** A source range for a server-side copy. */
export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  /** Pins the version that is copied. */
  readonly versionId?: string | undefined;
  /** With its quotes: the copy is refused with 412 when the source is another by now. */
  readonly ifMatch?: string | undefined;
  /** First byte. */
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

/** One page of the parts that the server has. */
export interface PartsPage {
  readonly parts: readonly UploadedPart[];
  /** Number to list after; undefined on the last page. */
  readonly next?: number | undefined;
}

/** What makes the object, beside its parts. */
export interface Commit extends TransferOptions {
  readonly put: PutMode;
  /** CRC32 of the whole object, where it is known and the upload has checksums. */
  readonly crc32?: number | undefined;
}

/**
 * The requests that writing needs, for one object: each one attempt, answered or thrown as S3Error. Implemented over
 * the AWS SDK and over fetch; what is retried and when is decided above.
 */
export interface ObjectOperations {
  readonly label: string;
  put(body: Uint8Array, commit: Commit): Promise<Omit<StoredObject, "size">>;
  create(options: TransferOptions & { readonly crc32: boolean }): Promise<string>;
  uploadPart(
    upload: OpenUpload,
    number: number,
    body: Uint8Array,
    options: TransferOptions & { readonly crc32?: number | undefined },
  ): Promise<string>;
  copyPart?(
    upload: OpenUpload,
    number: number,
    source: CopySource,
    options: TransferOptions,
  ): Promise<string>;
  listParts(upload: OpenUpload, after: number | undefined, options: TransferOptions): Promise<PartsPage>;
  complete(
    upload: OpenUpload,
    parts: readonly UploadedPart[],
    commit: Commit,
  ): Promise<Omit<StoredObject, "size">>;
  abort(upload: OpenUpload, options: TransferOptions): Promise<void>;
  /** Removes the object. */
  remove?(options: TransferOptions): Promise<void>;
  /** What is at the object's place now; undefined where nothing is. */
  look(options: TransferOptions): Promise<StoredObject | undefined>;
}

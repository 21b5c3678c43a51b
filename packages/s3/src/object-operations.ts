import type {
  CopySource,
  OpenUpload,
  PutMode,
  RemoveOptions,
  StoredObject,
  TransferOptions,
  UploadedPart,
} from "./upload-target.js";

/** One page of the list of uploaded parts. */
export interface PartsPage {
  readonly parts: readonly UploadedPart[];
  /** The next page begins after this part number. Undefined on the last page. */
  readonly next?: number | undefined;
}

/** An object that was found. */
export interface FoundObject extends StoredObject {
  /** The mark of the write that made it, if the server exposes it. */
  readonly mark?: string | undefined;
  /** When it was written, by the server's clock. */
  readonly modified?: Date | undefined;
}

/** Options of the request that makes the object appear. */
export interface Commit extends TransferOptions {
  readonly put: PutMode;
  /** CRC32 of the whole object, if it is known and the upload has checksums. */
  readonly crc32?: number | undefined;
}

/**
 * The requests of a write to one object, each one attempt. A failure throws S3Error. Implemented over the AWS SDK and over fetch;
 * retries are in objectTarget.
 */
export interface ObjectOperations {
  readonly label: string;
  put(body: Uint8Array, commit: Commit & { readonly mark: string }): Promise<Omit<StoredObject, "size">>;
  /** Begins a multipart upload and returns its id. */
  create(options: TransferOptions & { readonly crc32: boolean; readonly mark: string }): Promise<string>;
  /** Returns the part's ETag. */
  uploadPart(
    upload: OpenUpload,
    number: number,
    body: Uint8Array,
    options: TransferOptions & { readonly crc32?: number | undefined },
  ): Promise<string>;
  /** Returns the part's ETag. */
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
  /** Deletes the object. */
  remove?(options: RemoveOptions): Promise<void>;
  /** The existing object; undefined if there is none. */
  head(options: TransferOptions): Promise<FoundObject | undefined>;
}

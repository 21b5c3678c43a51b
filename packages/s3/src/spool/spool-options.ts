import type { ProgressListener } from "../upload-progress.js";
import type { UploadTarget } from "../upload-target.js";

/** How a complete spool is uploaded. The same in Node and in browsers. */
export interface SpoolUploadOptions {
  /** Maximum number of parts in transfer, which is also how many are in memory. Default 4. */
  readonly concurrency?: number | undefined;
  /** An archive of at most this many bytes is uploaded as one PUT. Default: the part size. */
  readonly threshold?: number | undefined;
  readonly onProgress?: ProgressListener | undefined;
  /** Aborts the write or the upload, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How an archive is spooled and uploaded. The same in Node and in browsers. */
export interface SpoolWriteOptions extends SpoolUploadOptions {
  /** Maximum size of the archive in bytes. Default: limited only by the disk, or by the browser. */
  readonly maxBytes?: number | undefined;
  /** Expected size of the archive in bytes. The free space is checked before anything is written. */
  readonly expectedSize?: number | undefined;
  /**
   * Size of every part but the last in bytes, at least 5 MiB. Default 16 MiB, more if 10,000 parts could not hold the
   * archive (in a browser: `expectedSize`).
   */
  readonly partSize?: number | undefined;
  /**
   * Keeps a complete archive whose upload fails: `pendingUploads` lists it, and `resumeUpload` continues. In Node, the archive
   * is synced to the disk before the upload, so that it survives a crash of the machine. Default false: a failed upload leaves
   * nothing behind. If the process or page ends, its spool is kept in either case.
   */
  readonly durable?: boolean | undefined;
}

/** How `resumeUpload` treats another target than the spool was written for. */
export interface RetargetOptions {
  /**
   * Allows a target with another write condition or another key than the spool was written for. Default false: it rejects with
   * TypeError.
   */
  readonly changeTarget?: boolean | undefined;
  /** The old target, for a change of the key while parts of the old object are on the server: they are removed. */
  readonly previousTarget?: UploadTarget | undefined;
}

import type { ArchiveSink, WriteResult } from "@peekpack/core";
import type { DisposableSink, UploadTarget } from "@peekpack/s3";
import type {
  PendingSpool,
  RetargetOptions,
  SpoolUploadOptions,
  SpoolWriteOptions,
  TransferOptions,
} from "@peekpack/s3/internal";

/** The functions of a storage. */
export interface SpoolFunctions<P extends PendingSpool> {
  spoolSink(
    target: UploadTarget,
    options: SpoolWriteOptions & { readonly directory: string },
  ): DisposableSink;
  pendingUploads(options: { readonly directory: string }): Promise<P[]>;
  resumeUpload(
    pending: P,
    target: UploadTarget,
    options?: SpoolUploadOptions & RetargetOptions,
  ): Promise<WriteResult>;
  exportUpload(pending: P, sink: ArchiveSink): Promise<WriteResult>;
  discardUpload(pending: P, target?: UploadTarget, options?: TransferOptions): Promise<void>;
}

/** The kind of storage under test. */
export interface SpoolSubject<P extends PendingSpool> {
  readonly functions: SpoolFunctions<P>;
  /** A new directory. */
  fresh(): string | Promise<string>;
  /** Ends the owners of all spools in a directory, as if their process or page had been killed. */
  kill(directory: string): Promise<void>;
  /** Changes one bit in the journal of a spool. */
  damageJournal(pending: P): Promise<void>;
  /** Changes one bit of the archive of a spool, in part 2. */
  damageArchive(pending: P): Promise<void>;
  /** Makes the journal name layout 3. */
  changeLayout(pending: P): Promise<void>;
  /** Number of spools of which anything is left in a directory. */
  leftovers(directory: string): Promise<number>;
}

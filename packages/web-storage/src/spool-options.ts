import type { ProgressListener } from "@peekpack/s3";
import { choosePartSize } from "@peekpack/s3/internal";
import type { StorageChoice } from "./choose-part-store.js";
import type { MeteredFetch } from "./metered-fetch.js";

/** Where spools are. */
export interface SpoolDirectoryOptions {
  /**
   * Name of the OPFS directory and of the database of the spools: letters, digits, '.', '_' and '-'. Default
   * 'peekpack-spool'.
   */
  readonly directory?: string | undefined;
}

/** How a complete spool is uploaded. The same options as in `@peekpack/node-storage`, and two for browsers. */
export interface SpoolUploadOptions {
  /** Maximum number of parts in transfer, which is also how many are in memory. Default 4. */
  readonly concurrency?: number | undefined;
  /** An archive of at most this many bytes is uploaded as one PUT. Default: the part size. */
  readonly threshold?: number | undefined;
  readonly onProgress?: ProgressListener | undefined;
  /** Aborts the write or the upload, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Only in browsers: the `fetch` of the target. Progress then counts bytes in transfer, not only complete parts. */
  readonly meter?: MeteredFetch | undefined;
  /**
   * Only in browsers: removes a part here as soon as the server has confirmed it. Saves room, but the server then has the
   * only copy: if it removes the upload, the archive is lost. Default false.
   */
  readonly removeUploaded?: boolean | undefined;
}

/** Options of `spoolSink`. The same as in `@peekpack/node-storage`, and some for browsers. */
export interface SpoolSinkOptions extends SpoolDirectoryOptions, SpoolUploadOptions, StorageChoice {
  /** Maximum size of the archive in bytes. Default: limited by the browser only. */
  readonly maxBytes?: number | undefined;
  /** Expected size of the archive in bytes. The browser's quota is checked before anything is written. */
  readonly expectedSize?: number | undefined;
  /**
   * Size of every part but the last in bytes, at least 5 MiB. Default 16 MiB, more if 10,000 parts could not hold
   * `expectedSize`.
   */
  readonly partSize?: number | undefined;
  /**
   * Keeps a complete archive whose upload fails: `pendingUploads` lists it, and `resumeUpload` continues. Default false: a
   * failed upload leaves nothing behind. If the page ends, its spool is kept in either case.
   */
  readonly durable?: boolean | undefined;
  /** Only in browsers: asks the browser not to evict the origin's data. Default false. See `persistStorage`. */
  readonly persist?: boolean | undefined;
}

/** Options with their defaults. */
export interface ResolvedSpoolOptions extends SpoolSinkOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly partSize: number;
  readonly durable: boolean;
}

const DEFAULT_DIRECTORY = "peekpack-spool";

/** Applies defaults. @throws RangeError, TypeError if an option is invalid */
export function resolveSpoolOptions(options: SpoolSinkOptions): ResolvedSpoolOptions {
  const { expectedSize, maxBytes = Number.MAX_SAFE_INTEGER, durable = false } = options;
  for (const [name, value] of Object.entries({ expectedSize, maxBytes })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new RangeError(`${name} is a positive number of bytes.`);
    }
  }
  // A larger archive than expected may still fit.
  const size = options.partSize === undefined ? expectedSize : undefined;
  const partSize = choosePartSize({ size, partSize: options.partSize });
  return { ...options, directory: checkDirectory(options.directory), maxBytes, partSize, durable };
}

/** Checks the name of a spool directory, and applies the default. @throws TypeError if it is invalid */
export function checkDirectory(directory: string = DEFAULT_DIRECTORY): string {
  if (typeof directory !== "string" || !/^[\w.-]{1,100}$/.test(directory) || /^\.+$/.test(directory)) {
    throw new TypeError("directory is a name of letters, digits, '.', '_' and '-'.");
  }
  return directory;
}

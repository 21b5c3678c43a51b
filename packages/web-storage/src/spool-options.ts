import { type ProgressListener, S3_LIMITS } from "@peekpack/s3";
import type { StorageChoice } from "./choose-parts.js";
import type { MeteredFetch } from "./metered-fetch.js";

/** Which spools are meant. */
export interface SpoolPlaceOptions {
  /**
   * A name for the spools of one purpose: of the OPFS directory that they lie in, and of their database. Default
   * 'peekpack-spool'. Letters, digits, '.', '_' and '-'.
   */
  readonly directory?: string | undefined;
}

/** How a complete spool goes up. */
export interface SpoolUploadOptions {
  /** Parts under way at once, which is also how many are in memory. Default 4. */
  readonly concurrency?: number | undefined;
  /** An archive of at most so many bytes goes up as one PUT. Default: one of a single part. */
  readonly threshold?: number | undefined;
  /** Ends the write or the upload, which then reject with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener | undefined;
  /** What the target sends with; progress then counts bytes on their way, not only whole parts. */
  readonly meter?: MeteredFetch | undefined;
  /**
   * Whether parts are removed here as soon as the server has confirmed them. Default true. Where not, an upload that the
   * server has swept away begins anew, at the price of the room that the whole spool takes until its end.
   */
  readonly removeUploaded?: boolean | undefined;
}

/** How an archive is spooled, and goes up. */
export interface SpoolSinkOptions extends SpoolPlaceOptions, SpoolUploadOptions, StorageChoice {
  /** The most that the spool may take, in bytes; writing more fails with `quota`. Default: what the browser allows. */
  readonly maxBytes?: number | undefined;
  /** How large the archive will be, where that is known: the browser is asked for room before anything is written. */
  readonly expectedSize?: number | undefined;
  /** Size of every part but the last in bytes, from 5 MiB. Default 8 MiB, more where 10,000 would not hold `expectedSize`. */
  readonly partSize?: number | undefined;
  /**
   * Keeps a complete archive whose upload fails: `pendingUploads` lists it, and `resumeUpload` goes on where it stopped.
   * Default true. Else a failed upload leaves nothing behind, here and on the server; that of a page which ends is kept in
   * any case.
   */
  readonly durable?: boolean | undefined;
  /** Whether the browser is asked not to evict the origin's data. Default false. See `persistStorage`. */
  readonly persist?: boolean | undefined;
}

/** Options with their defaults. */
export interface ResolvedSpoolOptions extends SpoolSinkOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly partSize: number;
}

const DEFAULT_DIRECTORY = "peekpack-spool";
const MiB = 2 ** 20;
// A page has less memory to spare than a server, and a few parts are in it at once: 10,000 of these hold 78 GiB.
const DEFAULT_PART_SIZE = 8 * MiB;

/** Resolves the options of a spool. @throws RangeError, TypeError when one is none */
export function resolveSpoolOptions(options: SpoolSinkOptions): ResolvedSpoolOptions {
  const { expectedSize, maxBytes = Number.MAX_SAFE_INTEGER } = options;
  for (const [name, value] of Object.entries({ expectedSize, maxBytes })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new RangeError(`${name} is a positive number of bytes.`);
    }
  }
  const needed = Math.ceil(Math.ceil((expectedSize ?? 0) / S3_LIMITS.parts) / MiB) * MiB;
  const partSize = options.partSize ?? Math.max(DEFAULT_PART_SIZE, needed);
  if (!(Number.isSafeInteger(partSize) && partSize >= S3_LIMITS.minPart && partSize <= S3_LIMITS.maxPart)) {
    throw new RangeError("A part has 5 MiB to 5 GiB.");
  }
  return { ...options, directory: checkDirectory(options.directory), maxBytes, partSize };
}

/** The name of a spool directory. @throws TypeError when it is none */
export function checkDirectory(directory: string = DEFAULT_DIRECTORY): string {
  if (typeof directory !== "string" || !/^[\w.-]{1,100}$/.test(directory) || /^\.+$/.test(directory)) {
    throw new TypeError("directory is a name of letters, digits, '.', '_' and '-'.");
  }
  return directory;
}

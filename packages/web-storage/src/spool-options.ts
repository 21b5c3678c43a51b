import {
  choosePartSize,
  type SpoolUploadOptions as SharedUploadOptions,
  type SpoolWriteOptions,
} from "@peekpack/s3/internal";
import type { StorageChoice } from "./choose-part-medium.js";
import type { MeteredFetch } from "./metered-fetch.js";

/** Where spools are. */
export interface SpoolDirectoryOptions {
  /**
   * Name of the OPFS directory and of the database of the spools: letters, digits, '.', '_' and '-'. Default
   * 'peekpack-spool'.
   */
  readonly directory?: string | undefined;
}

/** Options of uploads that only browsers have. */
export interface BrowserUploadOptions {
  /** The `fetch` of the target. Progress then counts bytes in transfer, not only complete parts. */
  readonly meter?: MeteredFetch | undefined;
  /**
   * Removes a part here as soon as the server has confirmed it. Saves room, but the server then has the only copy: if it removes
   * the upload, the archive is lost. Default false.
   */
  readonly removeUploaded?: boolean | undefined;
}

/** How a complete spool is uploaded. The same options as in `@peekpack/node-storage`, and two for browsers. */
export interface SpoolUploadOptions extends SharedUploadOptions, BrowserUploadOptions {}

/** Options of `spoolSink`. The same as in `@peekpack/node-storage`, and some for browsers. */
export interface SpoolSinkOptions
  extends SpoolWriteOptions,
    BrowserUploadOptions,
    SpoolDirectoryOptions,
    StorageChoice {
  /** Only in browsers: asks the browser not to evict the origin's data. Default false. See `persistStorage`. */
  readonly persist?: boolean | undefined;
}

/** Options with their defaults. */
export interface ResolvedSpoolOptions extends SpoolSinkOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly partSize: number;
}

const DEFAULT_DIRECTORY = "peekpack-spool";

/** Applies defaults. @throws RangeError, TypeError if an option is invalid */
export function resolveSpoolOptions(options: SpoolSinkOptions): ResolvedSpoolOptions {
  const { expectedSize, maxBytes = Number.MAX_SAFE_INTEGER } = options;
  for (const [name, value] of Object.entries({ expectedSize, maxBytes })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new RangeError(`${name} is a positive number of bytes.`);
    }
  }
  // A larger archive than expected may still fit.
  const size = options.partSize === undefined ? expectedSize : undefined;
  const partSize = choosePartSize({ size, partSize: options.partSize });
  return { ...options, directory: checkDirectory(options.directory), maxBytes, partSize };
}

/** Checks the name of a spool directory, and applies the default. @throws TypeError if it is invalid */
export function checkDirectory(directory: string = DEFAULT_DIRECTORY): string {
  if (typeof directory !== "string" || !/^[\w.-]{1,100}$/.test(directory) || /^\.+$/.test(directory)) {
    throw new TypeError("directory is a name of letters, digits, '.', '_' and '-'.");
  }
  return directory;
}

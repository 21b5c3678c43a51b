import { isPeekpackError } from "@peekpack/core";
import { DataError } from "../data/data.js";

/** An error as the page shows it. */
export interface Failure {
  /** What happened, in a few words. */
  readonly title: string;
  /** The error's own message. */
  readonly message: string;
  /** What can be done. */
  readonly advice: string | undefined;
  /** The code of a PeekpackError, else the error's name. */
  readonly code: string;
}

const WORDS: Readonly<Record<string, readonly [title: string, advice?: string]>> = {
  exists: ["The object exists", "Another writer has written it meanwhile. Nothing was overwritten."],
  changed: ["The object has changed", "Another writer has written it."],
  conflict: [
    "Another writer is active",
    "Another tab may be uploading it, or another writer may be writing the same object.",
  ],
  denied: [
    "Refused",
    "Credentials may be missing, wrong or without permission to write, or the browser does not store data for this page.",
  ],
  network: [
    "No usable response",
    "The server may be unreachable, or it may not allow this page to write. The bucket's CORS rules must allow GET, PUT, POST, HEAD and DELETE with all headers from this origin, and expose ETag and Content-Range.",
  ],
  quota: [
    "Not enough storage",
    "Choose less data, free some space, or discard earlier uploads. Other data of this page is unchanged.",
  ],
  "not-found": ["Not found", "The bucket may have another name, or another tab has finished this upload."],
  truncated: [
    "Bytes are missing",
    "Some parts are missing, here or on the server. Discard the archive and write it again.",
  ],
  corrupt: ["The spool is damaged", "Its content cannot be trusted. Discard the archive and write it again."],
  limit: ["A limit was reached"],
  unfinished: ["The archive was never completed"],
  "unsupported-value": ["A value cannot be written"],
};

/** Describes an error in words. */
export function failureOf(error: unknown): Failure {
  if (isPeekpackError(error)) {
    const [title, advice] = WORDS[error.code] ?? ["Something went wrong"];
    return { title, message: error.message, advice, code: error.code };
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const title = error instanceof DataError ? "The data cannot be read" : "This cannot be written";
  return { title, message, advice: undefined, code: name };
}

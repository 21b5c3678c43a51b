import { isPeekpackError } from "@peekpack/core";
import { DataError } from "../data/data.js";

/** An error in words for the page. */
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
  exists: [
    "There is an object already",
    "Nothing was overwritten. Discard this upload, and write to another key, or allow replacing.",
  ],
  changed: ["The object has changed", "Somebody has written it meanwhile."],
  conflict: [
    "Somebody else is at work on this",
    "Another tab may be uploading it, or another writer may be writing the same object.",
  ],
  denied: [
    "Refused",
    "Credentials may be missing, wrong or without permission to write, or the browser keeps nothing for this page.",
  ],
  network: [
    "No usable answer",
    "The server may be out of reach, or it may not allow this page to write: the bucket's CORS rules must allow GET, PUT, POST, HEAD and DELETE with all headers from this origin, and expose ETag and Content-Range.",
  ],
  quota: [
    "There is no room",
    "Choose less, free some space, or discard what is left from before. What else the browser keeps for this page is as it was.",
  ],
  "not-found": [
    "It is not there",
    "The bucket may have another name, or another tab has finished this upload.",
  ],
  truncated: [
    "Bytes are missing",
    "Some of the parts are gone, here or on the server: discard it, and write it again.",
  ],
  corrupt: [
    "The spool is damaged",
    "What was written cannot be trusted any more: discard it, and write it again.",
  ],
  limit: ["A limit was met"],
  unfinished: ["The archive was never completed"],
  "unsupported-value": ["A value cannot be written"],
};

/** Puts an error into words. */
export function failureOf(error: unknown): Failure {
  if (isPeekpackError(error)) {
    const [title, advice] = WORDS[error.code] ?? ["Something went wrong"];
    return { title, message: error.message, advice, code: error.code };
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const title =
    error instanceof DataError ? "The data cannot be taken as they are" : "This cannot be written";
  return { title, message, advice: undefined, code: name };
}

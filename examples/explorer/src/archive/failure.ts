import { isPeekpackError } from "@peekpack/core";

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
  "not-an-archive": [
    "This is not an archive",
    "The object is there, but it does not begin as a msglc archive does. Is it the right key, and not a JSON or HDF5 file?",
  ],
  unfinished: ["The archive was never finished", "Its writer stopped before the end. Write it again."],
  truncated: [
    "Bytes are missing",
    "The object is shorter than its header says: an upload or a copy was cut off.",
  ],
  corrupt: [
    "The archive is damaged",
    "What was read contradicts itself. Compare the object with its origin.",
  ],
  limit: ["A safety limit was met", "The archive asks for more than the page allows one value to take."],
  "not-found": ["There is no such thing"],
  "bad-path": ["The path leads nowhere"],
  changed: [
    "The object has changed",
    "Somebody has written it anew since it was opened. Open it again to read the new state.",
  ],
  denied: [
    "The server refused",
    "Credentials may be missing, wrong or without permission to read; a presigned URL may have expired.",
  ],
  network: [
    "No usable answer",
    "The server may be out of reach, or it may not allow this page to read from it: its CORS rules must allow GET with the Range header from this origin, and expose ETag, Content-Range and Content-Length.",
  ],
  quota: ["There is no room left"],
  closed: ["The archive is closed"],
};

/** Puts an error into words. */
export function failureOf(error: unknown): Failure {
  if (isPeekpackError(error)) {
    const [title, advice] = WORDS[error.code] ?? ["Something went wrong"];
    return { title, message: error.message, advice, code: error.code };
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { title: "This cannot be read", message, advice: undefined, code: name };
}

/** Whether an error only says that somebody left before the end. */
export function isLeaving(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && error === signal.reason;
}

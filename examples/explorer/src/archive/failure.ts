import { isPeekpackError } from "@peekpack/core";
import { responseWords } from "./response-failure.js";

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
  "not-an-archive": [
    "This is not an archive",
    "The object exists, but it does not begin like a msglc archive. Is the key right? Is it a JSON or HDF5 file?",
  ],
  unfinished: ["The archive was never finished", "Its writer stopped before the end. Write it again."],
  truncated: [
    "Bytes are missing",
    "The object is shorter than its header says: an upload or a copy was cut off.",
  ],
  corrupt: [
    "The archive is damaged",
    "The bytes contradict each other. Compare the object with its original.",
  ],
  limit: ["A safety limit was reached", "One value exceeds what this page allows."],
  "not-found": ["Not found"],
  "bad-path": ["The path does not fit"],
  changed: [
    "The object has changed",
    "It was written again after it was opened. Open it again to read the new version.",
  ],
  denied: [
    "The server refused",
    "Credentials may be missing, wrong or without permission to read. A presigned URL may have expired.",
  ],
  network: [
    "No usable response",
    "The server may be unreachable, or it may not allow this page to read from it. Its CORS rules must allow GET with the Range header from this origin, and expose ETag, Content-Range and Content-Length.",
  ],
  quota: ["There is no room left"],
  closed: ["The archive is closed"],
};

/** Describes an error in words. */
export function failureOf(error: unknown): Failure {
  if (isPeekpackError(error)) {
    const [title, advice] = responseWords(error.message) ?? WORDS[error.code] ?? ["Something went wrong"];
    return { title, message: error.message, advice, code: error.code };
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { title: "This cannot be read", message, advice: undefined, code: name };
}

/** Whether an error is only the abort of a signal. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && error === signal.reason;
}

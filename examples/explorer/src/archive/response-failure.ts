import { S3_CODES, type Words } from "./s3-codes.js";

const EXPIRED: Words = [
  "The address or the keys have expired",
  "A presigned URL is valid for a limited time. Take a fresh one for the same object. What was read stays in this browser's cache.",
];
/** Of an object that is read. */
const NO_OBJECT: Words = ["There is no such object", "Correct the key. Capital letters matter."];
const FAILS: Words = [
  "The server fails",
  "It responds, but with an error of its own. Neither the archive nor this page is the cause. Try again later.",
];
const RANGES: Words = [
  "The server ignores ranges",
  "It sends the whole object instead of the bytes that this page asks for. Put the archive on a server that supports range requests, or download it and open the file.",
];
const CORS: Words = [
  "The server hides headers from this page",
  "Its CORS rules must expose ETag, Content-Range and Content-Length to this origin.",
];

/** Finds words for an error about a response, by core's message. Undefined if the message names no response. */
export function responseWords(message: string): Words | undefined {
  if (/: ranges are ignored \(200\)/.test(message)) return RANGES;
  if (message.includes("CORS rules must expose")) return CORS;
  const [, status, code = "", expired] =
    /: the server responded with (\d{3})(?: (\w+))?( \(expired\))?\.( |$)/.exec(message) ?? [];
  if (status === undefined) return undefined;
  if (expired !== undefined) return EXPIRED;
  if (code === "NoSuchKey") return NO_OBJECT;
  return S3_CODES[code] ?? (Number(status) >= 500 ? FAILS : undefined);
}

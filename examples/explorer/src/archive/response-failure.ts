/** What a response means, in words: title and advice. */
export type Words = readonly [title: string, advice: string];

const KEYS: Words = [
  "The server does not know the access key",
  "Correct the access key and the secret key. Or the keys belong to another endpoint.",
];
const SESSION: Words = ["The session token is wrong", "Correct it, or leave it out."];

/** Codes of S3. */
const CODES: Readonly<Record<string, Words>> = {
  SignatureDoesNotMatch: [
    "The signature does not fit",
    "With keys: the secret key is wrong, enter it again. In a presigned URL, a part is missing or was changed.",
  ],
  InvalidAccessKeyId: KEYS,
  // versitygw responds 404 with this code.
  XAdminUserNotFound: KEYS,
  InvalidToken: SESSION,
  NoSuchBucket: ["There is no such bucket", "Correct its name, or the endpoint."],
  NoSuchKey: ["There is no such object", "Correct the key. Capital letters matter."],
  RequestTimeTooSkewed: ["The clocks differ too much", "Set this computer's clock."],
};

const EXPIRED: Words = [
  "The address or the keys have expired",
  "A presigned URL is valid for a limited time. Take a fresh one for the same object. What was read stays in this browser's cache.",
];
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
  return CODES[code] ?? (Number(status) >= 500 ? FAILS : undefined);
}

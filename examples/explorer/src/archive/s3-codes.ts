/** What a response means, in words: title and advice. */
export type Words = readonly [title: string, advice: string];

const UNKNOWN_KEY: Words = [
  "The server does not know the access key",
  "Correct the access key and the secret key. Or the keys belong to another endpoint.",
];
const EXPIRED: Words = ["The keys have expired", "Enter new ones."];
const REGION: Words = ["The bucket is in another region", "Enter the bucket's region with the keys."];

/** Error codes of S3, for pages that read and for pages that write. */
export const S3_CODES: Readonly<Record<string, Words>> = {
  SignatureDoesNotMatch: [
    "The signature does not fit",
    "With keys: the secret key is wrong, enter it again. In a presigned URL, a part is missing or was changed.",
  ],
  InvalidAccessKeyId: UNKNOWN_KEY,
  // versitygw responds 404 with this code.
  XAdminUserNotFound: UNKNOWN_KEY,
  InvalidToken: ["The session token is wrong", "Correct it, or leave it out."],
  ExpiredToken: EXPIRED,
  TokenRefreshRequired: EXPIRED,
  NoSuchBucket: ["There is no such bucket", "Create it, or correct its name or the endpoint."],
  RequestTimeTooSkewed: ["The clocks differ too much", "Set this computer's clock."],
  AuthorizationHeaderMalformed: REGION,
  PermanentRedirect: REGION,
};

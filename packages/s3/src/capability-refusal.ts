import type { CapabilityName } from "./capability.js";
import { inBrowser } from "./environment.js";
import { describeResponse, type ProbeResponse } from "./probe-session.js";

/** Why an endpoint refuses to write an object. */
export interface RefusalExplanation {
  /** The capability that is missing. */
  readonly name: CapabilityName & ("reach" | "credentials" | "bucket" | "write");
  /** The cause and its remedy. */
  readonly explanation: string;
}

const UNKNOWN_KEY =
  "The server does not know the access key id: correct `accessKeyId` (AWS_ACCESS_KEY_ID), or `endpoint` if the key belongs to another service.";
const EXPIRED = "The credentials have expired: get new ones, or pass a provider as `credentials`.";

const CREDENTIALS: Readonly<Record<string, string>> = {
  SignatureDoesNotMatch:
    "The server knows the access key id, but not the secret: correct `secretAccessKey` (AWS_SECRET_ACCESS_KEY). If it is right, a proxy may change the requests.",
  InvalidAccessKeyId: UNKNOWN_KEY,
  // versitygw responds 404 with this code.
  XAdminUserNotFound: UNKNOWN_KEY,
  InvalidToken:
    "The server refuses the session token: correct `sessionToken` (AWS_SESSION_TOKEN), or omit it.",
  ExpiredToken: EXPIRED,
  TokenRefreshRequired: EXPIRED,
  RequestTimeTooSkewed: "The server's clock and this one differ too much: set this computer's clock.",
};

const REGION_CODES: ReadonlySet<string> = new Set([
  "AuthorizationHeaderMalformed",
  "PermanentRedirect",
  "TemporaryRedirect",
  "IllegalLocationConstraintException",
]);

/** Explains the response to the first write of a probe. */
export function explainRefusal(response: ProbeResponse): RefusalExplanation {
  const { status, code } = response;
  const detail = describeResponse(response);
  if (status === 0) {
    const cors = inBrowser()
      ? ", or CORS does not let this page read it: allow its origin in the bucket's CORS rules"
      : "";
    return {
      name: "reach",
      explanation: `No response from the endpoint (${code || "network"}): check \`endpoint\` and the network${cors}.`,
    };
  }
  const credentials = CREDENTIALS[code];
  if (credentials !== undefined) return { name: "credentials", explanation: `${credentials} (${detail})` };
  if (code === "NoSuchBucket") {
    return {
      name: "bucket",
      explanation: `The bucket does not exist (${detail}): create it, or correct its name or \`endpoint\`.`,
    };
  }
  if (REGION_CODES.has(code)) {
    return {
      name: "bucket",
      explanation: `The bucket is in another region (${detail}): set \`region\` (AWS_REGION) to the bucket's.`,
    };
  }
  if (status >= 300 && status < 400) {
    return {
      name: "reach",
      explanation: `The endpoint redirects to another address (${detail}): set \`endpoint\` to that address, or correct \`region\`.`,
    };
  }
  if (code === "" && status >= 500) {
    return {
      name: "reach",
      explanation: `The endpoint fails (${detail}): the service or its proxy is down.`,
    };
  }
  if (code === "" && status !== 401 && status !== 403) {
    return {
      name: "reach",
      explanation: `The endpoint responds (${detail}), but it is not an S3 service: correct the host, port or path of \`endpoint\`.`,
    };
  }
  return {
    name: "write",
    explanation:
      status === 401 || status === 403
        ? `The server does not let this identity write here (${detail}): archives can be read, not written. Grant s3:PutObject.`
        : `The server rejects the request (${detail}): archives can be read, not written.`,
  };
}

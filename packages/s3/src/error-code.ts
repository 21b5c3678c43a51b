import type { S3Credentials } from "./credentials.js";
import { xmlText } from "./xml.js";

/** Shorter values are no secrets, and may be part of any text. */
const MIN_SECRET = 8;

/** The parts of credentials that must not enter a message. */
export function secretsOf(credentials: S3Credentials | undefined): string[] {
  if (credentials === undefined) return [];
  const { accessKeyId, secretAccessKey, sessionToken = "" } = credentials;
  return [accessKeyId, secretAccessKey, sessionToken];
}

/** Replaces secrets in the text of an error response. */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets
    .filter(({ length }) => length >= MIN_SECRET)
    .reduce((redacted, secret) => redacted.replaceAll(secret, " "), text);
}

/** S3's code in an error response. Undefined if there is none, or if it is not safe to quote. */
export function errorCodeOf(text: string, secrets: readonly string[]): string | undefined {
  return safeCode(xmlText(text, "Code"), secrets);
}

/** The code, if it looks like one of S3 ('NoSuchKey') and contains no secret. A server may send anything. */
export function safeCode(code: string | undefined, secrets: readonly string[]): string | undefined {
  const safe = code !== undefined && /^[A-Z](?=.*[a-z])[A-Za-z0-9]{1,63}$/.test(code);
  return safe && redact(code, secrets) === code ? code : undefined;
}

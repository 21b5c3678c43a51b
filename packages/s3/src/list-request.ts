import { PeekpackError } from "@peekpack/core";
import type { S3Connection } from "./connection.js";
import { errorCodeOf } from "./error-code.js";
import { MAX_RESPONSE } from "./limit-body.js";
import type { BucketPrefix } from "./location.js";
import { readText } from "./read-text.js";
import { type WriteRetryOptions, withRetries } from "./retry.js";
import { s3Error, systemCode } from "./s3-error.js";
import { xmlText } from "./xml.js";

/** What listing a bucket needs of a store. */
export interface ListContext extends BucketPrefix {
  readonly connection: S3Connection;
  /** Names the prefix in messages. */
  readonly label: string;
  readonly retry: WriteRetryOptions | undefined;
}

/** Requests one page of a list, with keys in URL encoding. `isComplete` tells whether a response is one, or is requested again. */
export function requestList(
  { connection, bucket, prefix, label, retry }: ListContext,
  action: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
  isComplete: (page: string) => boolean = () => true,
): Promise<string> {
  const failed = { action, label };
  return withRetries(
    async (attempt) => {
      try {
        const response = await connection.send({
          method: "GET",
          bucket,
          query: { prefix, "encoding-type": "url", ...query },
          signal: attempt.signal,
        });
        const text = await readText(response, MAX_RESPONSE);
        if (!response.ok) throw s3Error({ status: response.status, s3Code: errorCodeOf(text, []) }, failed);
        if (!isComplete(text)) throw s3Error({}, failed);
        return text;
      } catch (error) {
        attempt.signal.throwIfAborted();
        throw error instanceof PeekpackError ? error : s3Error({ s3Code: systemCode(error) }, failed);
      }
    },
    { ...failed, retry, signal },
  );
}

/** Decodes the keys of a page, if they are encoded. */
export function keyDecoder(page: string): (key: string) => string {
  return xmlText(page, "EncodingType") === "url" ? decodeKey : (key) => key;
}

/** Decodes as in forms: a plus is a space. Some servers announce the encoding but do not encode. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return key;
  }
}

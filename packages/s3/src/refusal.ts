import { errorCodeOf, redact } from "./error-code.js";
import { readText } from "./read-text.js";
import { xmlText } from "./xml.js";

/** What a refused request can be corrected by. */
export interface Refusal {
  /** The response, its body unread and without secrets. */
  readonly response: Response;
  /** The bucket's region, if the server states it. */
  readonly region: string | undefined;
  /** The server's time in milliseconds since 1970, if it rejects the request's. */
  readonly time: number | undefined;
  /** Whether the credentials have expired. */
  readonly expired: boolean;
}

/** Reads the body of an error response, and replaces secrets in it. A body that breaks off counts as empty: the status is known. */
export async function readRefusal(response: Response, secrets: readonly string[]): Promise<Refusal> {
  const { status, headers } = response;
  const text = redact(await readText(response).catch(() => ""), secrets);
  const code = errorCodeOf(text, secrets);
  const region = headers.get("x-amz-bucket-region") ?? xmlText(text, "Region");
  const time =
    code === "RequestTimeTooSkewed"
      ? Date.parse(xmlText(text, "ServerTime") ?? headers.get("date") ?? "")
      : Number.NaN;
  return {
    response: new Response(text || null, { status, headers }),
    region: region && /^[a-z0-9-]+$/.test(region) ? region : undefined,
    time: Number.isNaN(time) ? undefined : time,
    expired: isExpired(code),
  };
}

/** Whether S3's error code says that the credentials have expired. */
export function isExpired(code: string | undefined): boolean {
  return code === "ExpiredToken" || code === "TokenRefreshRequired";
}

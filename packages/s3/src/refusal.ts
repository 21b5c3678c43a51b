import { boundedText, xmlText } from "./xml.js";

/** What a refusal complains of that can be mended. */
export interface RefusalDetails {
  /** The refusal as it came, its body still to be read. */
  readonly response: Response;
  /** The region that the bucket is in, where the server says it. */
  readonly region: string | undefined;
  /** The server's time, where it complains of the clock. */
  readonly time: number | undefined;
  /** Whether the credentials have ended. */
  readonly expired: boolean;
}

/** Reads what a refusal (301, 400, 403) says. */
export async function readRefusal(response: Response): Promise<RefusalDetails> {
  const { status, headers } = response;
  const text = await boundedText(response);
  const code = xmlText(text, "Code") ?? "";
  const region = headers.get("x-amz-bucket-region") ?? xmlText(text, "Region");
  const time =
    code === "RequestTimeTooSkewed"
      ? Date.parse(xmlText(text, "ServerTime") ?? headers.get("date") ?? "")
      : Number.NaN;
  return {
    response: new Response(text || null, { status, headers }),
    region: region && /^[a-z0-9-]+$/.test(region) ? region : undefined,
    time: Number.isNaN(time) ? undefined : time,
    expired: code === "ExpiredToken" || code === "TokenRefreshRequired",
  };
}

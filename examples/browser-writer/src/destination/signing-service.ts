import { PeekpackError } from "@peekpack/core";

/** A request that must be signed. */
export interface WantedRequest {
  /** The name of the S3 operation, such as `UploadPart`. */
  readonly operation: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** The description of a signing service. */
export interface SigningService {
  /** The bucket that it signs for. */
  readonly bucket: string;
  /** The S3 server, in words. */
  readonly server: string;
  /** The address of an explorer whose origin may read from the bucket too, if there is one. */
  readonly explorer: string | undefined;
}

/** The signing service of the page's own server. */
export const OWN_SERVICE = "presign";

const TRIES = 4;
const PAUSE_MS = 300;

/**
 * Asks a signing service for a presigned URL: POST with the request as JSON; the response is the URL as text. Failures are
 * retried, refusals are not.
 * @throws PeekpackError `denied` if it refuses, `network` if it does not respond
 */
export async function askForUrl(service: string, path: string, wanted: WantedRequest): Promise<string> {
  const { operation, query, headers } = wanted;
  for (let attempt = 1; ; attempt++) {
    let failure: PeekpackError;
    try {
      const response = await fetch(new URL(service, location.href), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ path, operation, query, headers }),
      });
      if (response.ok) return (await response.text()).trim();
      failure = failed(response.status >= 500 ? "network" : "denied", `status ${response.status}`);
    } catch {
      failure = failed("network", "no response");
    }
    if (failure.code === "denied" || attempt === TRIES) throw failure;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * 2 ** attempt));
  }
}

function failed(code: "network" | "denied", what: string): PeekpackError {
  return new PeekpackError(code, `The signing service did not sign: ${what}.`, { section: "sink" });
}

/** Finds the signing service of the page's own server. Undefined if there is none. */
export async function findService(service: string): Promise<SigningService | undefined> {
  try {
    const response = await fetch(new URL(service, location.href), {
      headers: { accept: "application/json" },
    });
    // A file server may respond with the page itself.
    if (!response.ok || !response.headers.get("content-type")?.includes("json")) return undefined;
    const { bucket, server, explorer } = (await response.json()) as Partial<SigningService>;
    if (typeof bucket !== "string" || typeof server !== "string") return undefined;
    const linked = typeof explorer === "string" && URL.canParse(explorer, location.href);
    return { bucket, server, explorer: linked ? new URL(explorer, location.href).href : undefined };
  } catch {
    return undefined;
  }
}

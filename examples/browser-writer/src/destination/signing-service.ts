import { PeekpackError } from "@peekpack/core";

/** What a request needs to be allowed. */
export interface WantedRequest {
  readonly method: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a signing service says of itself. */
export interface SigningService {
  /** The bucket that it signs for. */
  readonly bucket: string;
  /** In words, which server that is. */
  readonly server: string;
}

const TRIES = 4;
const PAUSE_MS = 300;

/**
 * Asks an application's own server for a presigned URL: POST with the request as JSON, answered by the URL as text. Asked
 * again where it stumbles; a plain refusal is one.
 * @throws PeekpackError `denied` when it refuses, `network` when it does not answer
 */
export async function askForUrl(service: string, path: string, wanted: WantedRequest): Promise<string> {
  const { method, query, headers } = wanted;
  for (let attempt = 1; ; attempt++) {
    let failure: PeekpackError;
    try {
      const response = await fetch(new URL(service, location.href), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ path, method, query, headers }),
      });
      if (response.ok) return (await response.text()).trim();
      failure = said(response.status >= 500 ? "network" : "denied", `it answered ${response.status}`);
    } catch {
      failure = said("network", "no answer");
    }
    if (failure.code === "denied" || attempt === TRIES) throw failure;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * 2 ** attempt));
  }
}

function said(code: "network" | "denied", what: string): PeekpackError {
  return new PeekpackError(code, `The signing service did not sign: ${what}.`, { section: "sink" });
}

/** Asks whether the page's own server signs; undefined where nobody answers so. */
export async function lookForService(service: string): Promise<SigningService | undefined> {
  try {
    const response = await fetch(new URL(service, location.href), {
      headers: { accept: "application/json" },
    });
    // A server of files may answer with the page itself.
    if (!response.ok || !response.headers.get("content-type")?.includes("json")) return undefined;
    const { bucket, server } = (await response.json()) as Partial<SigningService>;
    return typeof bucket === "string" && typeof server === "string" ? { bucket, server } : undefined;
  } catch {
    return undefined;
  }
}

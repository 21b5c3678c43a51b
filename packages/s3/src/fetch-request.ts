/** Sends requests, like the global fetch. */
export type Fetch = (request: Request) => Promise<Response>;

/** What is sent to a URL. */
export interface FetchRequest {
  readonly url: string | URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly cache?: "no-store" | undefined;
  /**
   * Whether redirects are followed. Never for a request that is signed: the browser would hand its headers, with a session token, to
   * another origin, where the signature is invalid.
   */
  readonly followRedirects?: boolean | undefined;
}

/**
 * Sends one request without cookies. The default is the global fetch, looked up at each call. A redirect that is not followed is a
 * response with its status, or 307 in a browser.
 */
export async function fetchRequest(
  { url, method, headers, body, signal, cache, followRedirects = false }: FetchRequest,
  send: Fetch | undefined,
): Promise<Response> {
  const request = new Request(url, {
    method,
    headers,
    credentials: "omit",
    redirect: followRedirects ? "follow" : "manual",
    ...(body && { body: body as Uint8Array<ArrayBuffer> }),
    ...(signal && { signal }),
    ...(cache && { cache }),
  });
  try {
    return visibleRedirect(await (send ?? globalThis.fetch)(request));
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Replaces the response to a redirect that a browser does not follow. It has no status. */
export function visibleRedirect(response: Response): Response {
  return response.type === "opaqueredirect" ? new Response(null, { status: 307 }) : response;
}

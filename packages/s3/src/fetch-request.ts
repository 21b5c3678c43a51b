/** Sends requests, like the global fetch. */
export type Fetch = (request: Request) => Promise<Response>;

/** What is sent to a URL. */
export interface FetchRequest {
  readonly url: string | URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly cache?: RequestCache | undefined;
}

/** Sends one request without cookies. The default is the global fetch, looked up at each call. */
export async function fetchRequest(
  { url, method, headers, body, signal, cache }: FetchRequest,
  send: Fetch | undefined,
): Promise<Response> {
  const request = new Request(url, {
    method,
    headers,
    credentials: "omit",
    ...(body && { body: body as Uint8Array<ArrayBuffer> }),
    ...(signal && { signal }),
    ...(cache && { cache }),
  });
  try {
    return await (send ?? globalThis.fetch)(request);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** One GET to make. */
export interface TransportRequest {
  /** Headers to send: always `range`, sometimes `if-match`. Lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Ends the request. */
  readonly signal: AbortSignal;
  /** Whether an HTTP cache must be bypassed (`cache: "no-store"`): in a browser always. */
  readonly fresh: boolean;
}

/** What a transport resolves with, whatever the status. A `Response` is one. */
export interface TransportResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableStream<Uint8Array> | null;
}

/** Why the server refused a request. */
export interface Refusal {
  readonly status: number;
  /** The code in an S3 error document (`ExpiredToken`, `RequestTimeTooSkewed`, …). */
  readonly code: string | undefined;
  /** Whether the server's answer speaks of expiry. */
  readonly expired: boolean;
}

/**
 * How an object is reached: the seam between `objectSource`, which knows ranges, versions and whom to trust, and
 * whatever signs and sends.
 */
export interface RangeTransport {
  /** Makes one GET of the object. Rejects only when there is no answer. It neither retries nor reads the body. */
  get(request: TransportRequest): Promise<TransportResponse>;
  /**
   * Asked once for all requests that were refused (400, 401, 403) with the same authorization: get a new one. Resolves
   * with whether asking again makes sense; every request is then repeated once.
   */
  renew?(refusal: Refusal): Promise<boolean>;
}

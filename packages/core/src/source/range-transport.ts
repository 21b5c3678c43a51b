/** One GET to make. */
export interface TransportRequest {
  /** Headers to send: always `range`, sometimes `if-match`. Lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Aborts the request. */
  readonly signal: AbortSignal;
  /** Whether an HTTP cache must be bypassed (`cache: "no-store"`): in a browser always. */
  readonly fresh: boolean;
}

/** A response of any status. A fetch `Response` is one. */
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
  /** Whether the error document mentions expiry. */
  readonly expired: boolean;
}

/**
 * Sends the requests of an `objectSource`. The transport signs and sends; the source handles ranges and versions and checks the
 * responses.
 */
export interface RangeTransport {
  /** Makes one GET of the object. Rejects only if there is no response. Neither retries nor reads the body. */
  get(request: TransportRequest): Promise<TransportResponse>;
  /**
   * Renews the authorization. Called once for all requests that were refused (400, 401, 403) with the same one. Resolves with
   * whether it was renewed; every refused request is then sent once more.
   */
  renew?(refusal: Refusal): Promise<boolean>;
}

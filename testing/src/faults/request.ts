import type { IncomingMessage } from "node:http";

/** A request as seen by rules. */
export interface SeenRequest {
  readonly method: string;
  /** Path without the query, decoded: "/bucket/key". */
  readonly path: string;
  /** Names of the query fields, without values. */
  readonly queryNames: readonly string[];
  /** The Range header: "bytes=0-99". */
  readonly range: string | undefined;
  /** Only for UploadPart and UploadPartCopy. */
  readonly partNumber: number | undefined;
  readonly ifMatch: string | undefined;
  /** Whether the request copies from another object. */
  readonly copies: boolean;
}

/** One request through the proxy and its outcome. Contains no query values and no authorization header. */
export interface RequestRecord extends SeenRequest {
  /** Counts from 0. */
  readonly index: number;
  /** Milliseconds of `performance.now()`. */
  readonly startedAt: number;
  /** Name of the fault that was applied. */
  fault: string | undefined;
  /** The status sent to the client, if any. */
  status: number | undefined;
  /** Body bytes received from the client. */
  bytesUp: number;
  /** Body bytes sent to the client. */
  bytesDown: number;
  /** Duration in milliseconds; undefined while the request is in flight. */
  tookMs: number | undefined;
}

const header = (message: IncomingMessage, name: string): string | undefined => {
  const value = message.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
};

const decoded = (path: string): string => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

export function describeRequest(message: IncomingMessage): SeenRequest {
  const [path = "", query = ""] = (message.url ?? "/").split("?", 2);
  const fields = new URLSearchParams(query);
  const part = fields.get("partNumber");
  return {
    method: message.method ?? "GET",
    path: decoded(path),
    queryNames: [...fields.keys()],
    range: header(message, "range"),
    partNumber: part === null ? undefined : Number(part),
    ifMatch: header(message, "if-match"),
    copies: header(message, "x-amz-copy-source") !== undefined,
  };
}

import type { IncomingMessage } from "node:http";

/** A request as rules see it. */
export interface SeenRequest {
  readonly method: string;
  /** Path without the query, decoded: "/bucket/key". */
  readonly path: string;
  /** The names in the query, without their values. */
  readonly queryNames: readonly string[];
  /** The Range header: "bytes=0-99". */
  readonly range: string | undefined;
  /** Of an UploadPart. */
  readonly partNumber: number | undefined;
  readonly ifMatch: string | undefined;
  /** Whether the server is to copy from another object. */
  readonly copies: boolean;
}

/** One request that the proxy saw, and what became of it. No query, no header of authorization is kept. */
export interface RequestRecord extends SeenRequest {
  /** Counts from 0. */
  readonly index: number;
  /** Milliseconds, by the clock of `performance.now()`. */
  readonly startedAt: number;
  /** The fault that was done to it, by name. */
  fault: string | undefined;
  /** The status that was sent; undefined where none was. */
  status: number | undefined;
  /** Bytes of the body that came from the client. */
  bytesUp: number;
  /** Bytes of the body that were sent to the client. */
  bytesDown: number;
  /** Milliseconds until the proxy was done with it; undefined while it is not. */
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

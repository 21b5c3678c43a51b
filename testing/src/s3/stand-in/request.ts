import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Content } from "./content.js";
import { S3Error } from "./s3-error.js";

/** A parsed request. */
export interface S3Request {
  readonly method: string;
  /** Empty for requests to the service. */
  readonly bucket: string;
  /** Empty for requests to the bucket. */
  readonly key: string;
  /** Path as sent, still percent-encoded. */
  readonly rawPath: string;
  readonly rawQuery: readonly (readonly [string, string])[];
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
  readonly message: IncomingMessage;
}

/** The response of a handler. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly xml?: string;
  /** Bytes to send. The server takes over the handler's reference. */
  readonly body?: { readonly content: Content; readonly start: number; readonly end: number };
}

/** The value of a header; repeated headers are joined. */
export function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

/** @throws S3Error InvalidURI */
export function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error(400, "InvalidURI", "Couldn't parse the specified URI.");
  }
}

/**
 * Parses path and query of a path-style request.
 * @throws S3Error InvalidURI, KeyTooLongError
 */
export function parseRequest(message: IncomingMessage): S3Request {
  const url = message.url ?? "/";
  const mark = url.indexOf("?");
  const rawPath = mark < 0 ? url : url.slice(0, mark);
  const rawQuery = (mark < 0 ? "" : url.slice(mark + 1))
    .split("&")
    .filter((field) => field !== "")
    .map((field) => {
      const equals = field.indexOf("=");
      const [name, value] = equals < 0 ? [field, ""] : [field.slice(0, equals), field.slice(equals + 1)];
      return [decodePart(name.replaceAll("+", " ")), decodePart(value.replaceAll("+", " "))] as const;
    });
  const slash = rawPath.indexOf("/", 1);
  const bucket = decodePart(slash < 0 ? rawPath.slice(1) : rawPath.slice(1, slash));
  const key = slash < 0 ? "" : decodePart(rawPath.slice(slash + 1));
  if (Buffer.byteLength(key) > 1024)
    throw new S3Error(400, "KeyTooLongError", "Your key is too long", { MaxSizeAllowed: "1024" });
  return {
    method: message.method ?? "GET",
    bucket,
    key,
    rawPath,
    rawQuery,
    query: new Map(rawQuery),
    headers: message.headers,
    message,
  };
}

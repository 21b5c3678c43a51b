import type { IncomingMessage } from "node:http";
import { gzipSync } from "node:zlib";
import { parseRange } from "../s3/stand-in/range.js";
import { renderErrorXml } from "../s3/stand-in/xml.js";
import { type Fault, movedContentRange, type ResponseHeaders } from "./fault.js";

/** A response that the proxy is about to send to the client. */
export interface OutgoingResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: AsyncIterable<Buffer> | Buffer;
  /** The body does not fit the headers: the connection must be closed after it. */
  readonly inconsistent: boolean;
}

/** The response of the upstream server, unchanged. */
export function upstreamResponse(message: IncomingMessage): OutgoingResponse {
  const headers: ResponseHeaders = {};
  for (const [name, value] of Object.entries(message.headers))
    if (value !== undefined && !["connection", "keep-alive", "transfer-encoding"].includes(name))
      headers[name] = Array.isArray(value) ? value.join(", ") : value;
  return { status: message.statusCode ?? 502, headers, body: message, inconsistent: false };
}

/** A response made by the proxy. Pages of other origins may read it, like the responses of S3. */
export function ownResponse(
  fault: Extract<Fault, { kind: "response" }>,
  origin: string | undefined,
): OutgoingResponse {
  const xml =
    fault.code === undefined
      ? ""
      : renderErrorXml({ Code: fault.code, Message: fault.message ?? "", RequestId: "FAULT" });
  const body = Buffer.from(xml);
  return {
    status: fault.status,
    headers: {
      ...(xml === "" ? {} : { "content-type": "application/xml" }),
      ...(origin === undefined ? {} : { "access-control-allow-origin": "*" }),
      ...fault.headers,
      "content-length": String(body.length),
    },
    body,
    inconsistent: false,
  };
}

export async function collect(body: AsyncIterable<Buffer> | Buffer): Promise<Buffer> {
  if (Buffer.isBuffer(body)) return body;
  const pieces: Buffer[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The response with a gzipped body. */
export async function withGzippedBody(outgoing: OutgoingResponse): Promise<OutgoingResponse> {
  const body = gzipSync(await collect(outgoing.body));
  const headers = { ...outgoing.headers, "content-encoding": "gzip", "content-length": String(body.length) };
  return { ...outgoing, headers, body };
}

/** The response with a body that is shorter, longer, or from another offset. */
export async function withAlteredBody(
  outgoing: OutgoingResponse,
  fault: Extract<Fault, { kind: "body" }>,
  range: string | undefined,
  whole: () => Promise<Buffer>,
): Promise<OutgoingResponse> {
  const right = await collect(outgoing.body);
  const { change, bytes } = fault;
  const headers = { ...outgoing.headers };
  const original = headers["content-range"] ?? "";
  const [, first = "", , total = ""] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(original) ?? [];
  let body: Buffer;
  let contentRange = original;
  if (change === "short") {
    body = right.subarray(0, Math.max(0, right.length - bytes));
    contentRange = `bytes ${first}-${Number(first) + body.length - 1}/${total}`;
  } else if (change === "long") {
    body = Buffer.concat([right, Buffer.alloc(bytes, 0xee)]);
    contentRange = `bytes ${first}-${Number(first) + body.length - 1}/${total}`;
  } else {
    const all = await whole();
    const requested = parseRange(range, all.length) ?? { start: 0, end: all.length };
    body = all.subarray(requested.start + bytes, requested.end + bytes);
    // The range may end after the object: filler keeps the length right.
    if (body.length < right.length)
      body = Buffer.concat([body, Buffer.alloc(right.length - body.length, 0xee)]);
    contentRange = movedContentRange(original, { shift: bytes });
  }
  if (original !== "" && fault.contentRange === "updated") headers["content-range"] = contentRange;
  if (fault.contentLength === "updated") headers["content-length"] = String(body.length);
  else headers["content-length"] ??= String(right.length);
  return { ...outgoing, headers, body, inconsistent: headers["content-length"] !== String(body.length) };
}

import type { IncomingMessage } from "node:http";
import { gzipSync } from "node:zlib";
import { parseRange } from "../s3/stand-in/range.js";
import { renderErrorXml } from "../s3/stand-in/xml.js";
import { type AnswerHeaders, type Fault, movedContentRange } from "./fault.js";

/** An answer on its way to the client. */
export interface Answer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: AsyncIterable<Buffer> | Buffer;
  /** The body does not fit the headers, so that the connection must end with it. */
  readonly misfit: boolean;
}

/** The answer as the server gave it. */
export function plainAnswer(message: IncomingMessage): Answer {
  const headers: AnswerHeaders = {};
  for (const [name, value] of Object.entries(message.headers))
    if (value !== undefined && !["connection", "keep-alive", "transfer-encoding"].includes(name))
      headers[name] = Array.isArray(value) ? value.join(", ") : value;
  return { status: message.statusCode ?? 502, headers, body: message, misfit: false };
}

/** An answer of the proxy's own. A page of another origin may see it, as it may see what S3 answers. */
export function ownAnswer(fault: Extract<Fault, { kind: "answer" }>, origin: string | undefined): Answer {
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
    misfit: false,
  };
}

export async function collect(body: AsyncIterable<Buffer> | Buffer): Promise<Buffer> {
  if (Buffer.isBuffer(body)) return body;
  const pieces: Buffer[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The answer with its body compressed. */
export async function gzipped(answer: Answer): Promise<Answer> {
  const body = gzipSync(await collect(answer.body));
  const headers = { ...answer.headers, "content-encoding": "gzip", "content-length": String(body.length) };
  return { ...answer, headers, body };
}

/** The answer with a body that is shorter, longer, or of another place. */
export async function misled(
  answer: Answer,
  fault: Extract<Fault, { kind: "body" }>,
  range: string | undefined,
  whole: () => Promise<Buffer>,
): Promise<Answer> {
  const right = await collect(answer.body);
  const { change, bytes } = fault;
  const headers = { ...answer.headers };
  const told = headers["content-range"] ?? "";
  const [, first = "", , total = ""] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(told) ?? [];
  let body: Buffer;
  let contentRange = told;
  if (change === "short") {
    body = right.subarray(0, Math.max(0, right.length - bytes));
    contentRange = `bytes ${first}-${Number(first) + body.length - 1}/${total}`;
  } else if (change === "long") {
    body = Buffer.concat([right, Buffer.alloc(bytes, 0xee)]);
    contentRange = `bytes ${first}-${Number(first) + body.length - 1}/${total}`;
  } else {
    const all = await whole();
    const asked = parseRange(range, all.length) ?? { start: 0, end: all.length };
    body = all.subarray(asked.start + bytes, asked.end + bytes);
    // Behind the object's end there is nothing: what is missing is made up, so that the length fits.
    if (body.length < right.length)
      body = Buffer.concat([body, Buffer.alloc(right.length - body.length, 0xee)]);
    contentRange = movedContentRange(told, { shift: bytes });
  }
  if (told !== "" && fault.contentRange === "told") headers["content-range"] = contentRange;
  if (fault.contentLength === "told") headers["content-length"] = String(body.length);
  else headers["content-length"] ??= String(right.length);
  return { ...answer, headers, body, misfit: headers["content-length"] !== String(body.length) };
}

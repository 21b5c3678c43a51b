import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from "node:http";
import { Sha256 } from "@smithy/core/checksum";
import { SignatureV4 } from "@smithy/signature-v4";
import type { HttpRequest } from "@smithy/types";
import type { S3Access } from "./client.js";

/** An unsigned request. */
export interface RequestParts {
  readonly method?: string | undefined;
  /** "bucket/key", not percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | string | undefined;
}

/** A signed request. */
export interface PreparedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string | undefined;
}

const encodeSegment = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

function toHttpRequest(access: S3Access, parts: RequestParts): HttpRequest {
  const { protocol, hostname, port, host } = new URL(access.endpoint);
  return {
    protocol,
    hostname,
    ...(port === "" ? {} : { port: Number(port) }),
    method: parts.method ?? "GET",
    path: `/${parts.path.split("/").map(encodeSegment).join("/")}`,
    query: { ...parts.query },
    headers: { host, ...parts.headers },
    body: parts.body,
  };
}

function prepared(request: HttpRequest, endpoint: string): PreparedRequest {
  const query = Object.entries(request.query ?? {})
    .map(([name, value]) => `${encodeSegment(name)}=${encodeSegment(String(value))}`)
    .join("&");
  return {
    method: request.method,
    url: `${new URL(endpoint).origin}${request.path}${query === "" ? "" : `?${query}`}`,
    headers: request.headers,
    body: request.body,
  };
}

const signer = ({ credentials, region }: S3Access): SignatureV4 =>
  new SignatureV4({
    service: "s3",
    region,
    credentials: {
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
    },
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: true,
  });

/** Signs a request in its Authorization header. Keeps a given `x-amz-content-sha256` header. */
export async function signRequest(
  access: S3Access,
  parts: RequestParts,
  signingDate: Date = new Date(),
): Promise<PreparedRequest> {
  const signed = await signer(access).sign(toHttpRequest(access, parts), { signingDate });
  return prepared(signed as HttpRequest, access.endpoint);
}

/** Presigns a request: anyone may use the URL until it expires. The body is not signed. */
export async function presign(
  access: S3Access,
  parts: RequestParts,
  options: { readonly expiresIn?: number; readonly signingDate?: Date } = {},
): Promise<string> {
  const headers = { ...parts.headers, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
  const signed = await signer(access).presign(toHttpRequest(access, { ...parts, headers }), {
    expiresIn: options.expiresIn ?? 3600,
    signingDate: options.signingDate ?? new Date(),
  });
  return prepared(signed as HttpRequest, access.endpoint).url;
}

/** A response with its whole body. */
export interface WholeResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

/** Sends a request with exactly the given headers over a new connection. @returns the response with its whole body */
export function sendRequest(request: {
  readonly url: string;
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | string | undefined;
}): Promise<WholeResponse> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = {
      method: request.method ?? "GET",
      headers: { ...request.headers },
      agent: false,
    };
    const outgoing = httpRequest(request.url, options, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        const body = Buffer.concat(pieces);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body,
          text: body.toString("utf8"),
        });
      });
    });
    outgoing.on("error", reject);
    outgoing.setTimeout(20_000, () => outgoing.destroy(new Error("no response within 20 s")));
    outgoing.end(request.body);
  });
}

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** The response of the server. */
export interface ServedResponse {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** One object over HTTP on 127.0.0.1. A test can change its responses. */
export interface ObjectServer {
  /** URL of the object, with a secret in its query. */
  readonly url: string;
  /** The `range` header of each request so far. */
  readonly ranges: string[];
  /** All headers of each request so far. */
  readonly requests: IncomingMessage[];
  /** Number of open requests. */
  readonly open: number;
  /** Maximum number of requests that were open at once. */
  maxOpen: number;
  /** The object. Its ETag is computed from it. */
  bytes: Uint8Array;
  /** Changes the response to each request. It may respond itself, and then returns undefined. */
  intercept:
    | ((
        served: ServedResponse,
        request: IncomingMessage,
        response: ServerResponse,
        count: number,
      ) => ServedResponse | undefined | Promise<ServedResponse | undefined>)
    | undefined;
  close(): Promise<void>;
}

/** Query of every URL, which must never appear in a label, message or event. */
export const secret = "X-Amz-Signature=deadbeefcafe";

/** Starts an {@link ObjectServer}. */
export async function objectServer(bytes: Uint8Array): Promise<ObjectServer> {
  const sockets = new Set<Socket>();
  let open = 0;
  let etagOf: { bytes: Uint8Array; etag: string } | undefined;
  const etag = (): string => {
    if (etagOf?.bytes !== self.bytes) {
      etagOf = { bytes: self.bytes, etag: `"${createHash("md5").update(self.bytes).digest("hex")}"` };
    }
    return etagOf.etag;
  };
  const server = createServer(async (request, response) => {
    open++;
    self.maxOpen = Math.max(self.maxOpen, open);
    response.on("close", () => open--);
    self.ranges.push(request.headers.range ?? "");
    const count = self.requests.push(request);
    let served: ServedResponse | undefined = rangeResponse(self.bytes, request.headers.range, etag());
    const condition = request.headers["if-match"];
    if (condition !== undefined && condition !== etag())
      served = { status: 412, headers: {}, body: new Uint8Array(0) };
    if (self.intercept) served = await self.intercept(served, request, response, count);
    if (served === undefined) return;
    response.writeHead(served.status, served.headers);
    response.end(served.body);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const self: ObjectServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket/object?${secret}`,
    ranges: [],
    requests: [],
    get open() {
      return open;
    },
    maxOpen: 0,
    bytes,
    intercept: undefined,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return self;
}

function rangeResponse(bytes: Uint8Array, range: string | undefined, etag: string): ServedResponse {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ?? [];
  const size = bytes.length;
  if (first === undefined)
    return { status: 200, headers: { etag, "content-length": `${size}` }, body: bytes };
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  if (start >= size)
    return { status: 416, headers: { "content-range": `bytes */${size}` }, body: new Uint8Array(0) };
  return {
    status: 206,
    headers: {
      etag,
      "content-range": `bytes ${start}-${end - 1}/${size}`,
      "content-length": `${end - start}`,
    },
    body: bytes.subarray(start, end),
  };
}

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** What the server answers with, unless a test interferes. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** One object over HTTP on 127.0.0.1, whose answers a test can bend. */
export interface ObjectServer {
  /** URL of the object, with a secret in its query. */
  readonly url: string;
  /** The `range` header of each request so far. */
  readonly ranges: string[];
  /** All headers of each request so far. */
  readonly requests: IncomingMessage[];
  /** How many requests are open now. */
  readonly open: number;
  /** The most that were open at once. */
  mostOpen: number;
  /** The object. Its ETag follows. */
  bytes: Uint8Array;
  /** Bends the next answers; it may answer itself and give undefined. */
  bend:
    | ((
        answer: Answer,
        request: IncomingMessage,
        response: ServerResponse,
        count: number,
      ) => Answer | undefined | Promise<Answer | undefined>)
    | undefined;
  close(): Promise<void>;
}

/** What stands in the query of every URL, and must never be seen anywhere. */
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
    self.mostOpen = Math.max(self.mostOpen, open);
    response.on("close", () => open--);
    self.ranges.push(request.headers.range ?? "");
    const count = self.requests.push(request);
    let answer: Answer | undefined = rangeAnswer(self.bytes, request.headers.range, etag());
    const condition = request.headers["if-match"];
    if (condition !== undefined && condition !== etag())
      answer = { status: 412, headers: {}, body: new Uint8Array(0) };
    if (self.bend) answer = await self.bend(answer, request, response, count);
    if (answer === undefined) return;
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
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
    mostOpen: 0,
    bytes,
    bend: undefined,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return self;
}

function rangeAnswer(bytes: Uint8Array, range: string | undefined, etag: string): Answer {
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

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { StandInBehavior } from "./behavior.js";
import { Storage } from "./buckets.js";
import { Context } from "./context.js";
import { corsHeaders, preflight } from "./cors.js";
import { isPublicRead } from "./policy.js";
import { parseRequest, type Reply, type S3Request } from "./request.js";
import { dispatch } from "./routes.js";
import { S3Error } from "./s3-error.js";
import { type Credentials, verifySignature } from "./signature.js";
import { renderErrorXml } from "./xml.js";

export interface StandInOptions {
  /** Port on 127.0.0.1. Default 0: a free one. */
  readonly port?: number | undefined;
  /** Credentials that requests must be signed with. Default: random. */
  readonly credentials?: Credentials | undefined;
  /** Default "us-east-1". */
  readonly region?: string | undefined;
  /** Deviations from S3. Default: none. */
  readonly behavior?: StandInBehavior | undefined;
}

/** A running stand-in. */
export interface StandIn {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
  /** Closes the server and all connections, like a killed server. Its data stays. */
  crash(): Promise<void>;
  /** Listens again on the same port with its data. */
  restart(): Promise<void>;
  /** Stops the server and removes its data. */
  close(): Promise<void>;
}

/**
 * Starts an S3 server in this process. It implements the part of S3 that peekpack's tests and demonstration need, with
 * S3's checks. Path-style addressing, no versioning. Requests without a signature may read
 * buckets whose policy says so.
 */
export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const region = options.region ?? "us-east-1";
  const credentials = options.credentials ?? {
    accessKeyId: `standin${randomBytes(6).toString("hex")}`,
    secretAccessKey: randomBytes(20).toString("hex"),
  };
  const storage = new Storage();
  const behavior = options.behavior ?? {};
  const listen = async (port: number): Promise<Server> => {
    const server = createServer((message, response) => {
      respond(message, response, { storage, credentials, region, behavior }).catch(() => response.destroy());
    });
    // Tests keep connections open for any time.
    server.requestTimeout = 0;
    server.keepAliveTimeout = 0;
    server.listen(port, "127.0.0.1", 4096);
    await once(server, "listening");
    return server;
  };
  let server = await listen(options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  const crash = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    region,
    credentials,
    crash,
    restart: async () => {
      await crash();
      server = await listen(port);
    },
    close: async () => {
      await crash();
      await storage.spill.remove();
    },
  };
}

/** What a server needs to respond. */
interface Settings {
  readonly storage: Storage;
  readonly credentials: Credentials;
  readonly region: string;
  readonly behavior: StandInBehavior;
}

async function respond(
  message: IncomingMessage,
  response: ServerResponse,
  { storage, credentials, region, behavior }: Settings,
): Promise<void> {
  const id = randomBytes(8).toString("hex").toUpperCase();
  let request: S3Request | undefined;
  let reply: Reply;
  try {
    request = parseRequest(message);
    if (request.method === "OPTIONS") reply = preflight(storage, request);
    else {
      const payloadHash = isPublicRead(storage, request)
        ? "UNSIGNED-PAYLOAD"
        : verifySignature({ ...request, query: request.rawQuery }, credentials, region);
      reply = await dispatch(new Context(request, storage, behavior, payloadHash));
    }
  } catch (error) {
    // The client closed the connection within its body: nobody receives a response.
    if (message.destroyed && !message.complete) return;
    reply = errorReply(error, request, id);
  }
  const cors =
    request === undefined || request.method === "OPTIONS"
      ? {}
      : corsHeaders(storage, request.bucket, request.headers, request.method);
  await send(response, reply, { "x-amz-request-id": id, server: "peekpack-stand-in", ...cors });
}

function errorReply(error: unknown, request: S3Request | undefined, id: string): Reply {
  const s3 =
    error instanceof S3Error
      ? error
      : new S3Error(500, "InternalError", `We encountered an internal error: ${String(error)}`);
  if (s3.status === 304) return { status: 304, headers: s3.headers };
  return {
    status: s3.status,
    headers: s3.headers,
    xml: renderErrorXml({
      Code: s3.code,
      Message: s3.message,
      ...s3.extra,
      Resource: request?.rawPath,
      RequestId: id,
    }),
  };
}

async function send(
  response: ServerResponse,
  reply: Reply,
  common: Readonly<Record<string, string>>,
): Promise<void> {
  const { status, xml, body } = reply;
  const headers: Record<string, string> = { ...common, ...reply.headers };
  const silent = response.req.method === "HEAD" || status === 204 || status === 304;
  if (body === undefined && xml !== undefined) headers["content-type"] = "application/xml";
  if (body === undefined && status !== 204 && status !== 304)
    headers["content-length"] = String(Buffer.byteLength(xml ?? ""));
  response.writeHead(status, headers);
  if (body === undefined) {
    response.end(silent ? undefined : (xml ?? ""));
    return;
  }
  try {
    if (!silent)
      for await (const piece of body.content.read(body.start, body.end)) {
        if (response.destroyed) return;
        if (!response.write(piece)) await drained(response);
      }
    response.end();
  } finally {
    body.content.release();
  }
}

/** Waits for `drain`, or for the response to close. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

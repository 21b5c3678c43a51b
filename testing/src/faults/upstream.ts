import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import type { Writable } from "node:stream";
import type { S3Access } from "../s3/client.js";
import { signRequest } from "../s3/signing.js";

const HOP_BY_HOP: ReadonlySet<string> = new Set(["connection", "keep-alive", "proxy-connection", "expect"]);

/** A test requests a fault that the proxy cannot inject with the options it was started with. */
export class FaultProxyMisuse extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FaultProxyMisuse";
  }
}

/** The server that the proxy forwards to. */
export class Upstream {
  readonly endpoint: URL;
  readonly #access: S3Access | undefined;
  readonly #kept = new Agent({ keepAlive: true, maxSockets: 256 });
  readonly #fresh = new Agent({ keepAlive: false });

  constructor(server: string | S3Access) {
    this.endpoint = new URL(typeof server === "string" ? server : server.endpoint);
    this.#access = typeof server === "string" ? undefined : server;
  }

  /**
   * Forwards a request unchanged, including its Host header: its signature stays valid.
   * @param body the request's bytes, pulled with backpressure
   * @param without name of a header to leave out
   */
  async forward(
    message: IncomingMessage,
    body: AsyncIterable<Buffer>,
    signal: AbortSignal,
    without?: string,
  ): Promise<IncomingMessage> {
    const headers: string[] = [];
    for (let at = 0; at < message.rawHeaders.length; at += 2) {
      const [name = "", value = ""] = message.rawHeaders.slice(at, at + 2);
      if (!HOP_BY_HOP.has(name.toLowerCase()) && name.toLowerCase() !== without) headers.push(name, value);
    }
    const options: RequestOptions = {
      host: this.endpoint.hostname,
      port: this.endpoint.port,
      method: message.method ?? "GET",
      path: message.url ?? "/",
      headers: headers as never,
      signal,
    };
    const withBody =
      message.headers["content-length"] !== undefined || message.headers["transfer-encoding"] !== undefined;
    // The server may have closed an idle connection: only a request without a body can be sent again.
    if (withBody) return this.#send({ ...options, agent: this.#fresh }, body);
    try {
      return await this.#send({ ...options, agent: this.#kept }, undefined);
    } catch (error) {
      if (signal.aborted || (error as NodeJS.ErrnoException).code === "ECONNREFUSED") throw error;
      return this.#send({ ...options, agent: this.#fresh }, undefined);
    }
  }

  /**
   * The response to the same request without its Range header. If that header is signed, the proxy signs a new request.
   * @throws FaultProxyMisuse if the range is signed and the proxy has no credentials
   */
  async whole(message: IncomingMessage, signal: AbortSignal): Promise<IncomingMessage> {
    const signed = /SignedHeaders=([^,\s]*)/.exec(message.headers.authorization ?? "")?.[1]?.split(";") ?? [];
    if (!signed.includes("range")) return this.forward(message, nothing(), signal, "range");
    if (this.#access === undefined)
      throw new FaultProxyMisuse(
        "the proxy was started without credentials, and this request's range is signed",
      );
    const [path = ""] = (message.url ?? "").split("?", 1);
    const { origin } = message.headers;
    const own = await signRequest(this.#access, {
      path: decodeURIComponent(path).slice(1),
      headers: origin === undefined ? {} : { origin },
    });
    const { hostname, port, pathname } = new URL(own.url);
    const headers = { ...own.headers };
    return this.#send(
      { host: hostname, port, path: pathname, headers, agent: this.#fresh, signal },
      undefined,
    );
  }

  close(): void {
    this.#kept.destroy();
    this.#fresh.destroy();
  }

  #send(options: RequestOptions, body: AsyncIterable<Buffer> | undefined): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest(options, resolve);
      outgoing.on("error", reject);
      if (body === undefined) {
        outgoing.end();
        return;
      }
      (async () => {
        for await (const piece of body) {
          if (outgoing.destroyed) return;
          if (!outgoing.write(piece)) await drained(outgoing, options.signal!);
        }
        outgoing.end();
      })().catch((error) => outgoing.destroy(error));
    });
  }
}

/** Waits for `drain`, or for the stream to close. */
export function drained(stream: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((go) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done);
      signal.removeEventListener("abort", done);
      go();
    };
    if (signal.aborted) return go();
    stream.on("drain", done).on("close", done);
    // A queued response without a socket emits neither event.
    signal.addEventListener("abort", done);
  });
}

async function* nothing(): AsyncGenerator<Buffer> {}

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { S3Access } from "../s3/client.js";
import { Exchange } from "./exchange.js";
import { faultName } from "./fault.js";
import { Link, type LinkShape } from "./link.js";
import { describeRequest, type RequestRecord } from "./request.js";
import { type ActiveRule, type FaultRule, RuleBook } from "./rules.js";
import { Upstream } from "./upstream.js";

export interface FaultProxyOptions {
  readonly link?: LinkShape | undefined;
}

/** What has passed through the proxy since it started or was reset. */
export interface Totals {
  readonly requests: number;
  /** Bytes of bodies from clients. */
  readonly bytesUp: number;
  /** Bytes of bodies to clients. */
  readonly bytesDown: number;
  /** Bytes on the clients' connections, heads and framing included. */
  readonly wireUp: number;
  readonly wireDown: number;
}

/** A proxy that forwards requests to an S3 server, and does wrong what its rules say. */
export interface FaultProxy {
  readonly endpoint: string;
  /** How to reach the server through the proxy; only where it was started with more than an endpoint. */
  readonly access: S3Access;
  /** Puts a rule in force. Of several that are for a request, the first one counts. */
  add(rule: FaultRule): ActiveRule;
  /** Ends every rule. */
  clear(): void;
  /** Changes how slow the way is. */
  setLink(shape: LinkShape): void;
  /** Every request since the start or the last reset, in the order they came. */
  readonly requests: readonly RequestRecord[];
  /** Requests that are not done yet. */
  readonly pending: number;
  totals(): Totals;
  /** Forgets what has passed. Rules stay. */
  reset(): void;
  close(): Promise<void>;
}

/**
 * Starts a proxy on 127.0.0.1 in front of an S3 server. Requests are signed for the proxy's host, and reach the server
 * with that Host header.
 * @param server its endpoint alone, or with credentials, which `whole` and `shifted` faults of signed ranges need
 */
export async function startFaultProxy(
  server: string | S3Access,
  options: FaultProxyOptions = {},
): Promise<FaultProxy> {
  const proxy = new RunningProxy(server, options);
  await proxy.listen();
  return proxy;
}

class RunningProxy implements FaultProxy {
  endpoint = "";
  requests: RequestRecord[] = [];
  pending = 0;
  readonly #server = createServer((message, response) => {
    this.#handle(message, response).catch(() => response.destroy());
  });
  readonly #upstream: Upstream;
  readonly #access: S3Access | undefined;
  readonly #link: Link;
  readonly #rules = new RuleBook();
  readonly #sockets = new Set<Socket>();
  #wire = { up: 0, down: 0 };

  constructor(server: string | S3Access, options: FaultProxyOptions) {
    this.#upstream = new Upstream(server);
    this.#access = typeof server === "string" ? undefined : server;
    this.#link = new Link(options.link ?? {});
    // Connections end when a rule says so, not when a clock does.
    this.#server.requestTimeout = 0;
    this.#server.keepAliveTimeout = 0;
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        this.#wire.up += socket.bytesRead;
        this.#wire.down += socket.bytesWritten;
      });
    });
  }

  async listen(): Promise<void> {
    // Tests open thousands of connections at once.
    this.#server.listen(0, "127.0.0.1", 4096);
    await once(this.#server, "listening");
    this.endpoint = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get access(): S3Access {
    if (this.#access === undefined) throw new Error("the fault proxy was started with an endpoint alone");
    const { region, credentials } = this.#access;
    return { endpoint: this.endpoint, region, credentials };
  }

  add(rule: FaultRule): ActiveRule {
    return this.#rules.add(rule);
  }

  clear(): void {
    this.#rules.clear();
  }

  setLink(shape: LinkShape): void {
    this.#link.shape = shape;
  }

  totals(): Totals {
    const sum = (of: (record: RequestRecord) => number): number =>
      this.requests.reduce((total, record) => total + of(record), 0);
    let { up: wireUp, down: wireDown } = this.#wire;
    for (const socket of this.#sockets) {
      wireUp += socket.bytesRead;
      wireDown += socket.bytesWritten;
    }
    return {
      requests: this.requests.length,
      bytesUp: sum((record) => record.bytesUp),
      bytesDown: sum((record) => record.bytesDown),
      wireUp,
      wireDown,
    };
  }

  reset(): void {
    this.requests = [];
    this.#wire = { up: 0, down: 0 };
    // What open connections have carried so far belongs to the past.
    for (const socket of this.#sockets) {
      this.#wire.up -= socket.bytesRead;
      this.#wire.down -= socket.bytesWritten;
    }
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    this.#upstream.close();
    await closed;
  }

  async #handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = describeRequest(message);
    const record: RequestRecord = {
      ...seen,
      index: this.requests.length,
      startedAt: performance.now(),
      fault: undefined,
      status: undefined,
      bytesUp: 0,
      bytesDown: 0,
      tookMs: undefined,
    };
    this.requests.push(record);
    this.pending += 1;
    const fault = this.#rules.take(seen);
    if (fault !== undefined) record.fault = faultName(fault);
    const gone = new AbortController();
    // A response that waits for an earlier one of its connection is told nothing when that breaks: its request is.
    const { socket } = message;
    const leave = (): void => gone.abort();
    response.on("close", leave);
    socket.on("close", leave);
    try {
      await new Exchange(message, response, record, fault, gone.signal, this.#upstream, this.#link).run();
    } finally {
      socket.off("close", leave);
      record.tookMs = performance.now() - record.startedAt;
      this.pending -= 1;
    }
  }
}

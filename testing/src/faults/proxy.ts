import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { S3Access } from "../s3/client.js";
import { Exchange } from "./exchange.js";
import { faultName } from "./fault.js";
import { Network, type NetworkShape } from "./network.js";
import { describeRequest, type RequestRecord } from "./request.js";
import { type ActiveRule, type FaultRule, RuleBook } from "./rules.js";
import { Upstream } from "./upstream.js";

export interface FaultProxyOptions {
  readonly network?: NetworkShape | undefined;
}

/** Traffic through the proxy since its start or the last `reset`. */
export interface Totals {
  readonly requests: number;
  /** Body bytes from clients. */
  readonly bytesUp: number;
  /** Body bytes to clients. */
  readonly bytesDown: number;
  /** All bytes on the clients' connections, headers and framing included. */
  readonly wireUp: number;
  readonly wireDown: number;
}

/** A proxy that forwards requests to an S3 server and injects the faults of its rules. */
export interface FaultProxy {
  readonly endpoint: string;
  /** Access to the server through the proxy. @throws Error if the proxy was started with an endpoint alone */
  readonly access: S3Access;
  /** Activates a rule. If several match a request, the first applies. */
  add(rule: FaultRule): ActiveRule;
  /** Removes all rules. */
  clear(): void;
  /** Changes latency and bandwidth. */
  setNetwork(shape: NetworkShape): void;
  /** Requests since the start or the last `reset`, in order of arrival. */
  readonly requests: readonly RequestRecord[];
  /** Number of requests in flight. */
  readonly pending: number;
  totals(): Totals;
  /** Clears requests and totals. Rules stay. */
  reset(): void;
  close(): Promise<void>;
}

/**
 * Starts a proxy on 127.0.0.1 for an S3 server. Clients sign requests for the proxy's host; the proxy forwards that Host
 * header.
 * @param server its endpoint; with credentials if `whole` or `shifted` faults apply to requests that sign their range
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
  readonly #network: Network;
  readonly #rules = new RuleBook();
  readonly #sockets = new Set<Socket>();
  #wire = { up: 0, down: 0 };

  constructor(server: string | S3Access, options: FaultProxyOptions) {
    this.#upstream = new Upstream(server);
    this.#access = typeof server === "string" ? undefined : server;
    this.#network = new Network(options.network ?? {});
    // Only rules end connections, no timeout does.
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
    // Backlog: tests open thousands of connections at once.
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

  setNetwork(shape: NetworkShape): void {
    this.#network.shape = shape;
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
    // Bytes that open connections have transferred so far no longer count.
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
    // A response queued on a connection gets no close event when the connection breaks; the socket does.
    const { socket } = message;
    const leave = (): void => gone.abort();
    response.on("close", leave);
    socket.on("close", leave);
    try {
      await new Exchange(message, response, record, fault, gone.signal, this.#upstream, this.#network).run();
    } finally {
      socket.off("close", leave);
      record.tookMs = performance.now() - record.startedAt;
      this.pending -= 1;
    }
  }
}

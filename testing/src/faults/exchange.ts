import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.js";
import { type Network, wait } from "./network.js";
import type { RequestRecord } from "./request.js";
import {
  collect,
  type OutgoingResponse,
  ownResponse,
  upstreamResponse,
  withAlteredBody,
  withGzippedBody,
} from "./response.js";
import { drained, FaultProxyMisuse, type Upstream } from "./upstream.js";

/** A reset makes the kernel drop data that it has not delivered yet: the proxy waits this long before one. */
const SETTLE_MS = 25;

/** One request through the proxy, with the fault that is applied to it. */
export class Exchange {
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #record: RequestRecord;
  readonly #fault: Fault | undefined;
  readonly #signal: AbortSignal;
  readonly #upstream: Upstream;
  readonly #network: Network;

  constructor(
    message: IncomingMessage,
    response: ServerResponse,
    record: RequestRecord,
    fault: Fault | undefined,
    signal: AbortSignal,
    upstream: Upstream,
    network: Network,
  ) {
    this.#message = message;
    this.#response = response;
    this.#record = record;
    this.#fault = fault;
    this.#signal = signal;
    this.#upstream = upstream;
    this.#network = network;
  }

  async run(): Promise<void> {
    const fault = this.#fault;
    await this.#network.delayRequest(this.#signal);
    if (fault?.kind === "action" && (fault.at ?? "before") === "before") {
      if ((await fault.run(this.#record)) === "reset") return this.#reset();
    }
    if (fault?.kind === "stall" && fault.at === "before") await wait(fault.ms, this.#signal);
    if (this.#signal.aborted) return;
    if (fault?.kind === "reset" && fault.at === "before") return this.#reset();
    if (fault?.kind === "response") {
      await collect(this.#body());
      return this.#send(ownResponse(fault, this.#message.headers.origin));
    }
    let outgoing: OutgoingResponse;
    try {
      outgoing = await this.#respond();
    } catch (error) {
      if (error instanceof FaultProxyMisuse)
        return this.#send(
          ownResponse({ kind: "response", status: 501, code: error.name, message: error.message }, undefined),
        );
      // An unreachable server looks like a reset to the client; a fault within the request throws to get here.
      return this.#reset();
    }
    if (fault?.kind === "reset" && fault.at === "processed") {
      await collect(outgoing.body);
      return this.#reset();
    }
    if (fault?.kind === "action" && fault.at === "processed") {
      // A server may still process the request while it responds: wait for the whole response.
      const body = await collect(outgoing.body);
      if ((await fault.run(this.#record)) === "reset") return this.#reset();
      outgoing = { ...outgoing, body };
    }
    await this.#send(outgoing);
  }

  async #respond(): Promise<OutgoingResponse> {
    const fault = this.#fault;
    if (fault?.kind === "whole")
      return upstreamResponse(await this.#upstream.whole(this.#message, this.#signal));
    const outgoing = upstreamResponse(
      await this.#upstream.forward(this.#message, this.#body(), this.#signal),
    );
    if (fault?.kind === "headers") fault.edit(outgoing.headers);
    // Only a successful response has a body worth altering.
    if (outgoing.status >= 300) return outgoing;
    if (fault?.kind === "gzip") return withGzippedBody(outgoing);
    if (fault?.kind !== "body") return outgoing;
    return withAlteredBody(outgoing, fault, this.#record.range, async () =>
      collect(await this.#upstream.whole(this.#message, this.#signal)),
    );
  }

  /** The request's body at the simulated bandwidth, up to the byte where the fault stops it. */
  async *#body(): AsyncGenerator<Buffer> {
    const fault = this.#fault;
    const resets = fault?.kind === "reset" && fault.at === "request";
    const stops = resets || (fault?.kind === "action" && fault.at === "request");
    // Bytes until the fault acts.
    let left = stops ? (fault.bytes ?? (resets ? 0 : Number.POSITIVE_INFINITY)) : undefined;
    const pieces: AsyncIterable<Buffer> = this.#message.iterator({ destroyOnReturn: false });
    for await (const piece of pieces) {
      const first = left === undefined ? piece : piece.subarray(0, left);
      yield* this.#paced(first);
      if (left === undefined) continue;
      left -= first.length;
      if (left > 0) continue;
      left = undefined;
      await this.#applyWithinRequest();
      yield* this.#paced(piece.subarray(first.length));
    }
    if (fault?.kind === "action" && left !== undefined) await fault.run(this.#record);
  }

  async *#paced(piece: Buffer): AsyncGenerator<Buffer> {
    await this.#network.transfer(piece.length, "up", this.#signal);
    this.#record.bytesUp += piece.length;
    if (piece.length > 0) yield piece;
  }

  /** Applies a fault within the request's body. @throws Error to reset the connection */
  async #applyWithinRequest(): Promise<void> {
    const fault = this.#fault;
    await sleep(SETTLE_MS);
    if (fault?.kind !== "action" || (await fault.run(this.#record)) === "reset")
      throw new Error("reset within the request");
  }

  async #send(outgoing: OutgoingResponse): Promise<void> {
    const fault = this.#fault;
    const response = this.#response;
    if (response.destroyed) return;
    response.writeHead(outgoing.status, outgoing.headers);
    this.#record.status = outgoing.status;
    const breaks = fault?.kind === "reset" || fault?.kind === "stall" ? fault : undefined;
    if (breaks?.at === "headers") {
      response.flushHeaders();
      await sleep(SETTLE_MS);
      if (!(await this.#applyBreak(breaks))) return;
    }
    // Bytes of the body until the fault acts.
    let left =
      breaks?.at === "within"
        ? (breaks.bytes ?? Math.floor(Number(outgoing.headers["content-length"] ?? 0) / 2))
        : undefined;
    for await (const piece of Buffer.isBuffer(outgoing.body) ? [outgoing.body] : outgoing.body) {
      const first = left === undefined ? piece : piece.subarray(0, left);
      await this.#write(first);
      if (left !== undefined && breaks !== undefined) {
        left -= first.length;
        if (left > 0) continue;
        left = undefined;
        await sleep(SETTLE_MS);
        if (!(await this.#applyBreak(breaks))) return;
        await this.#write(piece.subarray(first.length));
      }
      if (this.#signal.aborted) return;
    }
    if (left !== undefined && breaks !== undefined && !(await this.#applyBreak(breaks))) return;
    if (breaks?.at === "after") {
      await sleep(SETTLE_MS);
      return this.#reset();
    }
    if (this.#signal.aborted) return;
    // Ending the response detaches its socket.
    const { socket } = response;
    await new Promise<void>((done) => {
      this.#signal.addEventListener("abort", () => done());
      response.end(done);
    });
    if (outgoing.inconsistent) socket?.destroySoon();
  }

  /** Resets or stalls the connection. @returns whether sending continues */
  async #applyBreak(breaks: Extract<Fault, { kind: "reset" | "stall" }>): Promise<boolean> {
    if (breaks.kind === "stall") return wait(breaks.ms, this.#signal);
    this.#reset();
    return false;
  }

  async #write(bytes: Buffer): Promise<void> {
    if (bytes.length === 0 || this.#signal.aborted || this.#response.destroyed) return;
    await this.#network.transfer(bytes.length, "down", this.#signal);
    if (this.#signal.aborted) return;
    this.#record.bytesDown += bytes.length;
    if (this.#response.write(bytes)) return;
    await drained(this.#response, this.#signal);
  }

  #reset(): void {
    this.#message.socket.resetAndDestroy();
  }
}

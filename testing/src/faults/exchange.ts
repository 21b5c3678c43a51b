import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, collect, gzipped, misled, ownAnswer, plainAnswer } from "./answer.js";
import type { Fault } from "./fault.js";
import { type Link, wait } from "./link.js";
import type { RequestRecord } from "./request.js";
import { drained, FaultProxyMisuse, type Upstream } from "./upstream.js";

/** A kernel may drop what it has not handed on when a connection is reset: so long it is given for that. */
const SETTLE_MS = 25;

/** One request on its way through the proxy, and what is done to it. */
export class Exchange {
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #record: RequestRecord;
  readonly #fault: Fault | undefined;
  readonly #signal: AbortSignal;
  readonly #upstream: Upstream;
  readonly #link: Link;

  constructor(
    message: IncomingMessage,
    response: ServerResponse,
    record: RequestRecord,
    fault: Fault | undefined,
    signal: AbortSignal,
    upstream: Upstream,
    link: Link,
  ) {
    this.#message = message;
    this.#response = response;
    this.#record = record;
    this.#fault = fault;
    this.#signal = signal;
    this.#upstream = upstream;
    this.#link = link;
  }

  async run(): Promise<void> {
    const fault = this.#fault;
    await this.#link.arrival(this.#signal);
    if (fault?.kind === "do" && (fault.at ?? "before") === "before") {
      if ((await fault.what(this.#record)) === "reset") return this.#reset();
    }
    if (fault?.kind === "stall" && fault.at === "before") await wait(fault.ms, this.#signal);
    if (this.#signal.aborted) return;
    if (fault?.kind === "reset" && fault.at === "before") return this.#reset();
    if (fault?.kind === "answer") {
      await collect(this.#body());
      return this.#send(ownAnswer(fault, this.#message.headers.origin));
    }
    let answer: Answer;
    try {
      answer = await this.#answer();
    } catch (error) {
      if (error instanceof FaultProxyMisuse)
        return this.#send(
          ownAnswer({ kind: "answer", status: 501, code: error.name, message: error.message }, undefined),
        );
      // A server that cannot be reached is a connection that breaks, and so is a fault that says so.
      return this.#reset();
    }
    if (fault?.kind === "reset" && fault.at === "answered") {
      await collect(answer.body);
      return this.#reset();
    }
    if (fault?.kind === "do" && fault.at === "answered") {
      // The whole answer: a server may still be at work while it sends it.
      const body = await collect(answer.body);
      if ((await fault.what(this.#record)) === "reset") return this.#reset();
      answer = { ...answer, body };
    }
    await this.#send(answer);
  }

  async #answer(): Promise<Answer> {
    const fault = this.#fault;
    if (fault?.kind === "whole") return plainAnswer(await this.#upstream.whole(this.#message, this.#signal));
    const answer = plainAnswer(await this.#upstream.forward(this.#message, this.#body(), this.#signal));
    if (fault?.kind === "headers") fault.edit(answer.headers);
    // Only what succeeds has a body that could mislead.
    if (answer.status >= 300) return answer;
    if (fault?.kind === "gzip") return gzipped(answer);
    if (fault?.kind !== "body") return answer;
    return misled(answer, fault, this.#record.range, async () =>
      collect(await this.#upstream.whole(this.#message, this.#signal)),
    );
  }

  /** The request's body as it comes in, at the link's pace, as far as the fault lets it. */
  async *#body(): AsyncGenerator<Buffer> {
    const fault = this.#fault;
    const resets = fault?.kind === "reset" && fault.at === "request";
    const stops = resets || (fault?.kind === "do" && fault.at === "request");
    // After how many bytes something happens.
    let left = stops ? (fault.bytes ?? (resets ? 0 : Number.POSITIVE_INFINITY)) : undefined;
    const pieces: AsyncIterable<Buffer> = this.#message.iterator({ destroyOnReturn: false });
    for await (const piece of pieces) {
      const first = left === undefined ? piece : piece.subarray(0, left);
      yield* this.#passed(first);
      if (left === undefined) continue;
      left -= first.length;
      if (left > 0) continue;
      left = undefined;
      await this.#interrupted();
      yield* this.#passed(piece.subarray(first.length));
    }
    if (fault?.kind === "do" && left !== undefined) await fault.what(this.#record);
  }

  async *#passed(piece: Buffer): AsyncGenerator<Buffer> {
    await this.#link.passage(piece.length, "up", this.#signal);
    this.#record.bytesUp += piece.length;
    if (piece.length > 0) yield piece;
  }

  /** What the fault does within the request's body. */
  async #interrupted(): Promise<void> {
    const fault = this.#fault;
    await sleep(SETTLE_MS);
    if (fault?.kind !== "do" || (await fault.what(this.#record)) === "reset")
      throw new Error("reset within the request");
  }

  async #send(answer: Answer): Promise<void> {
    const fault = this.#fault;
    const response = this.#response;
    if (response.destroyed) return;
    response.writeHead(answer.status, answer.headers);
    this.#record.status = answer.status;
    const breaks = fault?.kind === "reset" || fault?.kind === "stall" ? fault : undefined;
    if (breaks?.at === "headers") {
      response.flushHeaders();
      await sleep(SETTLE_MS);
      if (!(await this.#broken(breaks))) return;
    }
    // After how many bytes of its body the answer breaks: as many as the fault says, or half.
    let left =
      breaks?.at === "within"
        ? (breaks.bytes ?? Math.floor(Number(answer.headers["content-length"] ?? 0) / 2))
        : undefined;
    for await (const piece of Buffer.isBuffer(answer.body) ? [answer.body] : answer.body) {
      const first = left === undefined ? piece : piece.subarray(0, left);
      await this.#write(first);
      if (left !== undefined && breaks !== undefined) {
        left -= first.length;
        if (left > 0) continue;
        left = undefined;
        await sleep(SETTLE_MS);
        if (!(await this.#broken(breaks))) return;
        await this.#write(piece.subarray(first.length));
      }
      if (this.#signal.aborted) return;
    }
    if (left !== undefined && breaks !== undefined && !(await this.#broken(breaks))) return;
    if (breaks?.at === "after") {
      await sleep(SETTLE_MS);
      return this.#reset();
    }
    if (this.#signal.aborted) return;
    // The response lets go of its connection when it ends, as the next one may want it.
    const { socket } = response;
    await new Promise<void>((done) => {
      this.#signal.addEventListener("abort", () => done());
      response.end(done);
    });
    if (answer.misfit) socket?.destroySoon();
  }

  /** Resets the connection, or holds it up. @returns whether it goes on */
  async #broken(breaks: Extract<Fault, { kind: "reset" | "stall" }>): Promise<boolean> {
    if (breaks.kind === "stall") return wait(breaks.ms, this.#signal);
    this.#reset();
    return false;
  }

  async #write(bytes: Buffer): Promise<void> {
    if (bytes.length === 0 || this.#signal.aborted || this.#response.destroyed) return;
    await this.#link.passage(bytes.length, "down", this.#signal);
    if (this.#signal.aborted) return;
    this.#record.bytesDown += bytes.length;
    if (this.#response.write(bytes)) return;
    await drained(this.#response, this.#signal);
  }

  #reset(): void {
    this.#message.socket.resetAndDestroy();
  }
}

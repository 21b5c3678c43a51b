import type { RequestEvent } from "@peekpack/core";
import { Signal } from "../ui/signal.js";
import { type Span, Touched } from "./touched.js";

/** A request that has left and has not ended. */
export interface Pending {
  /** Undefined for a request for the last bytes of an object whose size is not known yet. */
  readonly span: Span | undefined;
  readonly suffix: number | undefined;
  readonly startedAt: number;
}

/** So many events are kept to be looked at; the sums go on. */
const KEPT_EVENTS = 500;

/** What reading an archive has cost, as it happens: requests, bytes, and which bytes of the object were touched. */
export class Traffic {
  readonly changed: Signal = new Signal();
  /** Ended requests, the latest last. */
  readonly events: RequestEvent[] = [];
  readonly pending = new Map<string, Pending>();
  readonly touched: Touched = new Touched();
  /** Bytes that were kept in the browser from an earlier visit, by place. */
  readonly kept: Touched = new Touched();
  /** Size of the object, once it is known. */
  size: number | undefined;
  requests = 0;
  bytes = 0;
  /** Milliseconds in which at least one request was under way. */
  busyMs = 0;
  #busyUntil = 0;

  /** Takes the events of an archive. */
  readonly onRequest = (event: RequestEvent): void => {
    this.pending.delete(pendingKey(event.range, event.suffix));
    if (event.from === "network") {
      this.requests++;
      this.bytes += event.bytes;
      const end = event.startedAt + event.ms;
      this.busyMs += Math.max(0, end - Math.max(event.startedAt, this.#busyUntil));
      this.#busyUntil = Math.max(this.#busyUntil, end);
    }
    const span = arrived(event);
    // Memory answers at once, and has only what was read before it; what is kept in the browser takes time.
    const from = event.from === "network" ? this.touched : event.ms > 0 ? this.kept : undefined;
    if (span !== undefined) from?.add(span);
    this.events.push(event);
    if (this.events.length > KEPT_EVENTS) this.events.shift();
    this.changed.tell();
  };

  /** Notes that a request leaves, by its Range header. */
  departs(range: string | null): void {
    const match = /^bytes=(\d*)-(\d*)$/.exec(range ?? "");
    if (match === null) return;
    const [, first, last] = match;
    const span = first ? { start: Number(first), end: Number(last) + 1 } : undefined;
    const suffix = first ? undefined : Number(last);
    this.pending.set(pendingKey(span, suffix), { span, suffix, startedAt: performance.now() });
    this.changed.tell();
  }
}

function pendingKey(span: Span | undefined, suffix: number | undefined): string {
  return suffix === undefined ? `${span?.start}-${span?.end}` : `-${suffix}`;
}

/** The bytes that a request has brought. */
export function arrived({ range, bytes }: RequestEvent): Span | undefined {
  return range === undefined
    ? undefined
    : { start: range.start, end: Math.min(range.end, range.start + bytes) };
}

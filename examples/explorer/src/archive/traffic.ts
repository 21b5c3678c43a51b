import type { ByteRange, RequestEvent } from "@peekpack/core";
import { Emitter } from "../ui/emitter.js";
import { RangeSet } from "./range-set.js";

/** A request that was sent and has not ended. */
export interface Pending {
  /** Undefined if the last bytes of an object of unknown size are requested. */
  readonly range: ByteRange | undefined;
  readonly suffix: number | undefined;
  readonly startedAt: number;
}

/** Events that are kept for display. The totals count all. */
const MAX_EVENTS = 500;

/** What reading an archive costs, as it happens: requests, bytes, and which bytes of the object were read. */
export class Traffic {
  readonly changed: Emitter = new Emitter();
  /** Ended requests, the latest last. */
  readonly events: RequestEvent[] = [];
  readonly pending = new Map<string, Pending>();
  /** Bytes that came from the network. */
  readonly fetched: RangeSet = new RangeSet();
  /** Bytes that came from the browser's cache. */
  readonly cached: RangeSet = new RangeSet();
  /** Size of the object. Undefined until it is known. */
  size: number | undefined;
  requests = 0;
  bytes = 0;
  /** Milliseconds in which at least one request was active. */
  busyMs = 0;
  #busyUntil = 0;

  /** Receives the events of an archive. */
  readonly onRequest = (event: RequestEvent): void => {
    this.pending.delete(pendingKey(event.range, event.suffix));
    if (event.from === "network") {
      this.requests++;
      this.bytes += event.bytes;
      const end = event.startedAt + event.ms;
      this.busyMs += Math.max(0, end - Math.max(event.startedAt, this.#busyUntil));
      this.#busyUntil = Math.max(this.#busyUntil, end);
    }
    const range = receivedRange(event);
    // A read from memory takes no time, and brings only bytes that were counted before.
    const set = event.from === "network" ? this.fetched : event.ms > 0 ? this.cached : undefined;
    if (range !== undefined) set?.add(range);
    this.events.push(event);
    if (this.events.length > MAX_EVENTS) this.events.shift();
    this.changed.emit();
  };

  /** Records that a request is sent. @param header its Range header */
  requestSent(header: string | null): void {
    const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
    if (match === null) return;
    const [, first, last] = match;
    const range = first ? { start: Number(first), end: Number(last) + 1 } : undefined;
    const suffix = first ? undefined : Number(last);
    this.pending.set(pendingKey(range, suffix), { range, suffix, startedAt: performance.now() });
    this.changed.emit();
  }
}

function pendingKey(range: ByteRange | undefined, suffix: number | undefined): string {
  return suffix === undefined ? `${range?.start}-${range?.end}` : `-${suffix}`;
}

/** The bytes that a request has received. */
export function receivedRange({ range, bytes }: RequestEvent): ByteRange | undefined {
  return range === undefined
    ? undefined
    : { start: range.start, end: Math.min(range.end, range.start + bytes) };
}

import type { Authorization } from "../contracts/faulty-reads.js";
import { type Fault, faults, UNRESOLVABLE_ENDPOINT } from "./fault.js";
import type { FaultProxy } from "./proxy.js";
import type { RequestRecord } from "./request.js";

/** A fault that a reader may meet; core's README lists it by the same name. */
export interface ReadingFault {
  /** Makes the fault for one test. `replace` overwrites the object that is read. */
  readonly fault: (replace: () => Promise<void>) => Fault;
  /** How requests are authorized. Default: each is signed. */
  readonly by?: Authorization | undefined;
  /** Maximum size of an object that is read whole if the server ignores ranges. Default 4 MiB, above every test's size. */
  readonly wholeBytes?: number | undefined;
}

/** An endpoint that cannot be reached; core's README lists it by the same name. */
export interface UnreachableEndpoint {
  readonly endpoint: string;
}

/** Refuses connections: a privileged port on which nothing listens. */
const REFUSING_ENDPOINT = "http://127.0.0.1:9";

/** Every fault that a request without a body can meet. */
export const readingFaults: Readonly<Record<string, ReadingFault | UnreachableEndpoint>> = {
  "connection reset before the response": { fault: faults.resetBefore },
  "connection reset after the server's work": { fault: faults.resetProcessed },
  "connection reset after the headers": { fault: faults.resetAfterHeaders },
  "connection reset within the body": { fault: () => faults.resetWithin() },
  "connection reset after the body": { fault: faults.resetAfter },
  "no response": { fault: () => faults.stallBefore() },
  "no body after the headers": { fault: () => faults.stallAfterHeaders() },
  "a body that stops": { fault: () => faults.stallWithin() },
  "500 InternalError": { fault: faults.serverError },
  "503 SlowDown": { fault: faults.slowDown },
  "429 with Retry-After in seconds": { fault: () => faults.tooManyRequests(1) },
  "429 with Retry-After as a date": { fault: () => faults.tooManyRequests(new Date(Date.now() + 2000)) },
  "403, a URL that has expired": { fault: faults.expired, by: "url" },
  "403, a URL that has expired, and that comes from a function": {
    fault: faults.expired,
    by: "url function",
  },
  "400 ExpiredToken": { fault: faults.expiredToken },
  "200 with the whole object, of at most 4 MiB": { fault: faults.wholeBody },
  "200 with the whole object, of more than 4 MiB": { fault: faults.wholeBody, wholeBytes: 50_000 },
  "a shorter range than requested": { fault: () => faults.shortBody(5) },
  "a body shorter than its Content-Length": {
    fault: () => faults.shortBody(5, { contentLength: "original", contentRange: "original" }),
  },
  "a body shorter than its Content-Range": { fault: () => faults.shortBody(5, { contentRange: "original" }) },
  "a longer range than requested": { fault: () => faults.longBody(5) },
  "a body longer than its Content-Length": {
    fault: () => faults.longBody(5, { contentLength: "original", contentRange: "original" }),
  },
  "a body longer than its Content-Range": { fault: () => faults.longBody(5, { contentRange: "original" }) },
  "another range than requested": { fault: () => faults.shiftedBody(7) },
  "a wrong Content-Range": { fault: () => faults.wrongContentRange(3) },
  "a wrong size in Content-Range": { fault: () => faults.wrongTotal(100) },
  "a garbled Content-Range": { fault: faults.garbledContentRange },
  "no Content-Range": { fault: faults.missingContentRange },
  "no ETag": { fault: faults.missingETag },
  "a weak ETag": { fault: faults.weakETag },
  "the ETag of another object": { fault: faults.changedETag },
  "a gzipped body": { fault: faults.gzip },
  "an object that is replaced": { fault: faults.before },
  "a name that DNS does not resolve": { endpoint: UNRESOLVABLE_ENDPOINT },
  "a connection that is refused": { endpoint: REFUSING_ENDPOINT },
};

/**
 * Applies a fault to the next `times` requests. An object is replaced only after one read of it has completed, because
 * the reader must have seen the old object.
 */
export function armReadingFault(
  proxy: FaultProxy,
  met: ReadingFault | UnreachableEndpoint,
  times: number,
  replace: () => Promise<void>,
): void {
  if ("endpoint" in met) return;
  const reads = (): readonly RequestRecord[] => proxy.requests.filter(({ method }) => method === "GET");
  const fault = met.fault(async () => {
    while (reads()[0]?.tookMs === undefined) await new Promise(setImmediate);
    await replace();
  });
  proxy.add({ fault, times, when: fault.kind === "action" && reads().length === 0 ? { nth: 2 } : {} });
}

/**
 * A reader's stall timeout, in milliseconds. A stall that every request meets is soon over; any other request has time for a
 * busy machine.
 */
export const stallMsOf = (name: string, times: number): number =>
  !/no response|no body|stops/.test(name) ? 3000 : times === 1 ? 1500 : 150;

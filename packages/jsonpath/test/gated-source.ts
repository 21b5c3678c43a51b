import type { RangeSource, ReadOptions } from "@peekpack/core";

/** Turns of the event loop without a new request after which a query is taken to wait for its requests. */
const QUIET_TURNS = 20;

/** A source that responds only when the query waits for nothing else: the number of its rounds is that of round trips. */
export function gated(bytes: Uint8Array) {
  const seen = { rounds: 0, requests: 0, bytes: 0, aborted: 0 };
  let waiting: (() => void)[] = [];
  let open = false;
  const respond = async (): Promise<void> => {
    open = true;
    for (let requests = 0, quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await new Promise((resolve) => setTimeout(resolve));
      if (requests !== seen.requests) quiet = 0;
      requests = seen.requests;
    }
    open = false;
    seen.rounds++;
    const responses = waiting;
    waiting = [];
    for (const response of responses) response();
  };
  const arrive = (signal?: AbortSignal): Promise<void> => {
    seen.requests++;
    if (!open) void respond();
    return new Promise((resolve, reject) => {
      waiting.push(resolve);
      signal?.addEventListener("abort", () => {
        seen.aborted++;
        reject(signal.reason);
      });
    });
  };
  return { source: bytesSource(bytes, seen, arrive), seen };
}

/** A source over bytes that is read as a remote one. `arrive` runs before each response. */
export function bytesSource(
  bytes: Uint8Array,
  seen: { bytes: number },
  arrive: (signal: AbortSignal | undefined) => Promise<void>,
): RangeSource {
  return {
    label: "remote",
    async probe({ head, tail, longTail }, { signal }: ReadOptions = {}) {
      await arrive(signal);
      const wanted = Math.max(tail, longTail?.wanted(bytes.subarray(0, head), bytes.length) ?? 0);
      return {
        size: bytes.length,
        head: bytes.slice(0, head),
        tail: bytes.slice(Math.max(0, bytes.length - wanted)),
      };
    },
    async read(ranges, { signal }: ReadOptions = {}) {
      await arrive(signal);
      for (const { start, end } of ranges) seen.bytes += end - start;
      return ranges.map(({ start, end }) => bytes.slice(start, end));
    },
  };
}

import type { ByteRange, ProbeRequest, RangeSource, ReadOptions } from "../src/index.js";
import { PeekpackError } from "../src/index.js";

/** What a medium does beside giving bytes. */
export interface Medium {
  /** A wait before each answer. */
  readonly pause?: (() => Promise<void>) | undefined;
  readonly version?: string | undefined;
  readonly label?: string | undefined;
  /** Whether reads cost nothing, so that no engine is put around it. Default false: as if it were remote. */
  readonly local?: boolean | undefined;
}

/** A source over bytes that writes down what it is asked for. */
export interface ObservedSource extends RangeSource {
  /** What first contacts wanted. */
  readonly probes: ProbeRequest[];
  /** Every range that was read, in order. */
  readonly ranges: ByteRange[];
  /** The signals that came with reads. */
  readonly signals: (AbortSignal | undefined)[];
  /** What it was told to be held to. */
  held: { readonly size?: number | undefined; readonly version?: string | undefined } | undefined;
  closed: boolean;
  /** The version that the object has now. */
  version: string | undefined;
  /** First contacts and ranges. */
  readonly requests: number;
}

export function observedSource(bytes: Uint8Array, medium: Medium = {}): ObservedSource {
  const { pause } = medium;
  /** The state that reads are held to. */
  let seen: string | undefined;
  const answer = async (signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted();
    await pause?.();
    signal?.throwIfAborted();
    if (seen !== undefined && source.version !== seen) {
      throw new PeekpackError("changed", `${source.label} has changed.`, { section: "source" });
    }
    seen = source.version;
  };
  const source: ObservedSource = {
    label: medium.label ?? "observed",
    local: medium.local,
    probes: [],
    ranges: [],
    signals: [],
    held: undefined,
    closed: false,
    version: medium.version,
    get requests() {
      return source.probes.length + source.ranges.length;
    },
    async probe(want, { signal }: ReadOptions = {}) {
      source.probes.push(want);
      await answer(signal);
      const { version } = source;
      const longTail = want.longTail?.wanted(bytes.subarray(0, want.head), bytes.length) ?? 0;
      return {
        size: bytes.length,
        ...(version === undefined ? {} : { version }),
        head: bytes.slice(0, want.head),
        tail: bytes.slice(Math.max(0, bytes.length - Math.max(want.tail, longTail))),
      };
    },
    async read(ranges, { signal }: ReadOptions = {}) {
      source.ranges.push(...ranges);
      source.signals.push(signal);
      await answer(signal);
      return ranges.map(({ start, end }) => {
        if (end > bytes.length) throw new PeekpackError("truncated", "The object ends before.", {});
        return bytes.slice(start, end);
      });
    },
    pin(state) {
      source.held = state;
      seen = state.version;
    },
    async close() {
      source.closed = true;
    },
  };
  return source;
}

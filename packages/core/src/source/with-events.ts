import { PeekpackError } from "../errors.js";
import { passedOn } from "./passed-on.js";
import type { RangeSource, ReadOptions } from "./range-source.js";
import type { RequestEvent, RequestListener } from "./request-event.js";

/**
 * Tells `listener` of every request that reads lead to. Where the source below does not speak of its requests, each
 * range that is read counts as one.
 */
export function withEvents(source: RangeSource, listener?: RequestListener): RangeSource {
  const { label } = source;
  const heard = async <T>(
    options: ReadOptions | undefined,
    work: (options: ReadOptions) => Promise<T>,
    describe: (result: T | undefined) => Pick<RequestEvent, "range" | "bytes">[],
  ): Promise<T> => {
    const { onRequest, reason = "data", signal } = options ?? {};
    const startedAt = performance.now();
    let told = false;
    const tell = (event: RequestEvent): void => {
      told = true;
      listener?.(event);
      onRequest?.(event);
    };
    const end = (result?: T, error?: unknown): void => {
      if (told || (error !== undefined && signal?.aborted)) return;
      const ms = performance.now() - startedAt;
      for (const event of describe(result)) {
        tell({
          label,
          reason,
          attempt: 1,
          from: "network",
          startedAt,
          ms,
          error: error instanceof PeekpackError ? error.code : error === undefined ? undefined : "network",
          ...event,
        });
      }
    };
    try {
      const result = await work({ ...options, onRequest: tell });
      end(result);
      return result;
    } catch (error) {
      end(undefined, error);
      throw error;
    }
  };
  return {
    ...passedOn(source, (inner) => withEvents(inner, listener)),
    probe: (want, options) =>
      heard(
        options && { reason: "open", ...options },
        (heed) => source.probe(want, heed),
        (probe) => [
          { bytes: probe === undefined ? 0 : Math.min(probe.size, probe.head.length + probe.tail.length) },
        ],
      ),
    read: (ranges, options) =>
      heard(
        options,
        (heed) => source.read(ranges, heed),
        (given) =>
          ranges.map((range) => ({ range, bytes: given === undefined ? 0 : range.end - range.start })),
      ),
  };
}

import { layer } from "./layer.js";
import type { RangeSource } from "./range-source.js";
import { errorOf, type RequestListener, requestEvent } from "./request-event.js";

/**
 * Tells `listener` of every request that reads lead to. Where the source below does not speak of its requests, each
 * range that is read counts as one.
 */
export function withEvents(source: RangeSource, listener?: RequestListener): RangeSource {
  return layer(
    source,
    async (call, options, range) => {
      const startedAt = performance.now();
      let told = false;
      const onRequest: RequestListener = (event) => {
        told = true;
        listener?.(event);
        options.onRequest?.(event);
      };
      const tell = (bytes: number, error?: unknown): void => {
        if (!told && (bytes > 0 || error !== undefined)) {
          onRequest(requestEvent(source.label, options, startedAt, { range, bytes, error: errorOf(error) }));
        }
      };
      try {
        const result = await call({ ...options, onRequest });
        tell(
          result instanceof Uint8Array
            ? result.length
            : Math.min(result.size, result.head.length + result.tail.length),
        );
        return result;
      } catch (error) {
        tell(0, error);
        throw error;
      }
    },
    (inner) => withEvents(inner, listener),
  );
}

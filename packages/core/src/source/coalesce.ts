import type { ByteRange } from "./byte-range.js";

/** Options of {@link coalesceRanges}. */
export interface CoalesceOptions {
  /** Ranges at most this far apart are always fetched together, in bytes. The gap costs less than a request's headers. */
  readonly gap: number;
  /** Ranges further apart are never fetched together. */
  readonly maxGap: number;
  /** Longest request, in bytes. */
  readonly maxRequestBytes: number;
  /** Number of requests that run at once. */
  readonly concurrency: number;
  /** Time of a request without its bytes, in milliseconds. */
  readonly latencyMs: number;
  /** Bandwidth that all requests share. */
  readonly bytesPerMs: number;
  /** Whether the bytes between two ranges may be fetched with them. Default: always. */
  readonly mayCoalesce?: ((from: number, to: number) => boolean) | undefined;
}

/** A request that grows while ranges are added. */
interface Span {
  start: number;
  end: number;
}

/**
 * Turns ranges into requests. The requests are sorted, do not overlap, cover every range and are at most `maxRequestBytes` long.
 * Pure.
 *
 * Ranges that overlap, touch or are at most `gap` apart are coalesced. If more requests than `concurrency` remain, the narrowest
 * gaps are fetched too where that saves more latency than the bytes in the gaps take.
 */
export function coalesceRanges(ranges: readonly ByteRange[], options: CoalesceOptions): ByteRange[] {
  const { gap, maxGap, concurrency, latencyMs, bytesPerMs } = options;
  const sorted = ranges.filter(({ start, end }) => start < end).sort((a, b) => a.start - b.start);
  let spans = coalesce(sorted, gap, options);
  if (spans.length > concurrency && maxGap > gap) {
    const gaps: number[] = [];
    for (let i = 1; i < spans.length; i++) {
      const width = spans[i]!.start - spans[i - 1]!.end;
      if (width <= maxGap) gaps.push(width);
    }
    gaps.sort((a, b) => a - b);
    let extraBytes = 0;
    let bestGap = gap;
    let minCost = Math.ceil(spans.length / concurrency) * latencyMs;
    gaps.forEach((width, i) => {
      extraBytes += width;
      const cost = Math.ceil((spans.length - i - 1) / concurrency) * latencyMs + extraBytes / bytesPerMs;
      if (cost < minCost) {
        minCost = cost;
        bestGap = width;
      }
    });
    if (bestGap > gap) spans = coalesce(spans, bestGap, options);
  }
  return spans.flatMap((span) => split(span, options.maxRequestBytes));
}

/** Coalesces sorted ranges at most `gap` apart. Ranges that touch are coalesced at any length, as `split` divides them again. */
function coalesce(
  sorted: readonly ByteRange[],
  gap: number,
  { maxRequestBytes, mayCoalesce }: CoalesceOptions,
): Span[] {
  const spans: Span[] = [];
  let last: Span | undefined;
  for (const { start, end } of sorted) {
    if (
      last &&
      (start <= last.end ||
        (start - last.end <= gap &&
          end - last.start <= maxRequestBytes &&
          mayCoalesce?.(last.end, start) !== false))
    ) {
      last.end = Math.max(last.end, end);
    } else {
      last = { start, end };
      spans.push(last);
    }
  }
  return spans;
}

/** Divides a span into requests of nearly equal length, none longer than `maxBytes`. */
function split({ start, end }: ByteRange, maxBytes: number): ByteRange[] {
  const count = Math.ceil((end - start) / maxBytes);
  if (count < 2) return [{ start, end }];
  const step = Math.ceil((end - start) / count);
  const parts: ByteRange[] = [];
  for (let at = start; at < end; at += step) parts.push({ start: at, end: Math.min(end, at + step) });
  return parts;
}

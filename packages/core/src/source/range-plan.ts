import type { ByteRange } from "./range-source.js";

/** What a plan is made by. */
export interface RangePlanOptions {
  /** Ranges this close are always fetched together, in bytes: fewer than a request's own headers. */
  readonly gap: number;
  /** Ranges further apart than this never are. */
  readonly maxGap: number;
  /** Longest request, in bytes. */
  readonly largest: number;
  /** How many requests run at once. */
  readonly concurrency: number;
  /** What a request takes without its bytes, in milliseconds. */
  readonly latencyMs: number;
  /** How fast bytes arrive in all. */
  readonly bytesPerMs: number;
  /** Whether the bytes between two ranges may be fetched with them. Default: always. */
  readonly mayJoin?: ((from: number, to: number) => boolean) | undefined;
}

/** A stretch that grows while ranges join it. */
interface Span {
  start: number;
  end: number;
}

/**
 * Turns the ranges that are wanted into the requests to make: sorted, apart from each other, none longer than `largest`,
 * together covering every range. Pure.
 *
 * Ranges that overlap, touch or lie within `gap` join. If more requests than run at once remain, the narrowest gaps go
 * as well, as long as the wave of requests that this saves takes longer than the bytes between.
 */
export function planRanges(ranges: readonly ByteRange[], options: RangePlanOptions): ByteRange[] {
  const { gap, maxGap, concurrency, latencyMs, bytesPerMs } = options;
  const sorted = ranges.filter(({ start, end }) => start < end).sort((a, b) => a.start - b.start);
  let spans = join(sorted, gap, options);
  if (spans.length > concurrency && maxGap > gap) {
    const gaps: number[] = [];
    for (let i = 1; i < spans.length; i++) {
      const width = spans[i]!.start - spans[i - 1]!.end;
      if (width <= maxGap) gaps.push(width);
    }
    gaps.sort((a, b) => a - b);
    let extra = 0;
    let best = gap;
    let least = Math.ceil(spans.length / concurrency) * latencyMs;
    gaps.forEach((width, i) => {
      extra += width;
      const cost = Math.ceil((spans.length - i - 1) / concurrency) * latencyMs + extra / bytesPerMs;
      if (cost < least) {
        least = cost;
        best = width;
      }
    });
    if (best > gap) spans = join(spans, best, options);
  }
  return spans.flatMap((span) => split(span, options.largest));
}

/** Joins sorted ranges that are no further apart than `gap`. Ranges that touch join in any case; `split` parts them. */
function join(sorted: readonly ByteRange[], gap: number, { largest, mayJoin }: RangePlanOptions): Span[] {
  const spans: Span[] = [];
  let last: Span | undefined;
  for (const { start, end } of sorted) {
    if (
      last !== undefined &&
      (start <= last.end ||
        (start - last.end <= gap &&
          end - last.start <= largest &&
          (mayJoin === undefined || mayJoin(last.end, start))))
    ) {
      last.end = Math.max(last.end, end);
    } else {
      last = { start, end };
      spans.push(last);
    }
  }
  return spans;
}

/** Parts a span into requests of nearly equal length, none longer than `largest`. */
function split({ start, end }: ByteRange, largest: number): ByteRange[] {
  const parts = Math.ceil((end - start) / largest);
  if (parts < 2) return [{ start, end }];
  const step = Math.ceil((end - start) / parts);
  const all: ByteRange[] = [];
  for (let at = start; at < end; at += step) all.push({ start: at, end: Math.min(end, at + step) });
  return all;
}

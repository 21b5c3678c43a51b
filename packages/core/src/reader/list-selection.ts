/** What a segment of a path means on a list. */
import { PeekpackError } from "../errors.js";
import { type PathSegment, Slice } from "./path.js";

/** What one segment selects of a list: one index, or `count` indices `start`, `start + step`, … */
export type ListSelection =
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "slice"; readonly start: number; readonly step: number; readonly count: number };

/**
 * What a segment selects of a list of `length` items.
 *
 * Text is an integer as Python's `int()` reads it, or `start:stop`, or `start:step:stop`; bounds of text slices that
 * lie outside the list wrap around it, those of {@link Slice} are clipped.
 *
 * @param path for the error: keys and indices from the root up to and with this segment
 * @throws PeekpackError not-found (index out of range) or bad-path (no index, malformed slice)
 */
export function resolveListSegment(
  segment: PathSegment,
  length: number,
  path?: readonly unknown[],
): ListSelection {
  if (segment instanceof Slice) {
    return select(segment.start, segment.stop, segment.step, length) ?? bad(segment, path);
  }
  const index = typeof segment === "string" ? integer(segment) : segment;
  if (typeof index === "bigint" || (typeof index === "number" && Number.isInteger(index))) {
    const from = Number(index);
    // `+ 0` so that -0 is 0.
    if (from >= -length && from < length)
      return { kind: "index", index: from < 0 ? from + length : from + 0 };
    throw new PeekpackError("not-found", `index ${brief(segment)} of a list of ${length}`, { path });
  }
  return (typeof segment === "string" && textSlice(segment, length)) || bad(segment, path);
}

function bad(segment: PathSegment, path: readonly unknown[] | undefined): never {
  throw new PeekpackError("bad-path", `${brief(segment)} is no index or slice of a list`, { path });
}

function brief(segment: PathSegment): string {
  if (segment instanceof Slice) return `slice(${segment.start}, ${segment.stop}, ${segment.step})`;
  const text = String(segment);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** The meaning of `start:stop` and `start:step:stop` on a list, undefined for other text and for a step of 0. */
function textSlice(text: string, length: number): ListSelection | undefined {
  const parts = text.split(":", 4);
  if (parts.length !== 2 && parts.length !== 3) return undefined;
  // An empty part takes its default, whatever the sign of the step.
  const [start, stop, step] = [parts[0], parts.at(-1), parts.length === 3 ? parts[1] : ""].map((part) =>
    part === "" ? null : integer(part as string),
  );
  if (start === undefined || stop === undefined || step === undefined) return undefined;
  // Wrapped as by adding or taking away the length until -length <= start < length and -length < stop <= length.
  const n = BigInt(length || 1);
  const from = start === null ? 0n : start < 0n ? ((start + 1n) % n) - 1n : start % n;
  const to = stop === null ? n : stop > 0n ? ((stop - 1n) % n) + 1n : stop % n;
  return select(Number(from), Number(to), step === null ? 1 : Number(step), length);
}

/** The indices of Python's `slice(start, stop, step)`; undefined for a step of 0. */
function select(
  start: number | undefined,
  stop: number | undefined,
  step = 1,
  length: number,
): ListSelection | undefined {
  if (step === 0) return undefined;
  const down = step < 0;
  const low = down ? -1 : 0;
  const high = down ? length - 1 : length;
  const clip = (value: number): number => (value < 0 ? Math.max(value + length, low) : Math.min(value, high));
  const from = start === undefined ? (down ? high : low) : clip(start);
  const to = stop === undefined ? (down ? low : high) : clip(stop);
  // A step beyond every length keeps its meaning, and the division its sign.
  const by = Math.max(-Number.MAX_SAFE_INTEGER, Math.min(step, Number.MAX_SAFE_INTEGER));
  return { kind: "slice", start: from, step: by, count: Math.max(0, Math.ceil((to - from) / by)) };
}

/** Python's `int(text)`: blanks around, a sign, "_" between digits, every decimal digit of Unicode. */
function integer(text: string): bigint | undefined {
  // JavaScript counts U+FEFF among the blanks and not U+0085, Python the other way round.
  const match = /^(?:(?!\ufeff)\s|\x85)*([+-]?)(\p{Nd}+(?:_\p{Nd}+)*)(?:(?!\ufeff)\s|\x85)*$/u.exec(text);
  // Python refuses more than 4300 digits (sys.int_info.default_max_str_digits).
  if (!match || match[2]!.length > 4300) return undefined;
  const digits = match[2]!.replaceAll("_", "").replace(/[^0-9]/gu, digit);
  return BigInt(digits) * (match[1] === "-" ? -1n : 1n);
}

/** The value of a decimal digit: Unicode keeps each set of ten together, in order, and starts runs with a zero. */
function digit(character: string): string {
  let before = 0;
  while (/\p{Nd}/u.test(String.fromCodePoint(character.codePointAt(0)! - before - 1))) before++;
  return String(before % 10);
}

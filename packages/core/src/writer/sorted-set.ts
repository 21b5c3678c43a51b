import { PeekpackError } from "../errors.js";

/**
 * Returns the members of a set in the reference's order: numbers and booleans by value, strings by code point, bytes by byte,
 * lists item by item.
 * @throws PeekpackError `unsupported-value` if members cannot be compared, unless `order` is "insertion"
 */
export function sortedSet(set: ReadonlySet<unknown>, order: "sorted" | "insertion"): unknown[] {
  const members = [...set];
  return order === "insertion" || members.length < 2 ? members : members.sort(compare);
}

function compare(a: unknown, b: unknown): number {
  const x = ordered(a);
  const y = ordered(b);
  if (typeof x === "string" && typeof y === "string") return byCodePoint(x, y);
  if ((typeof x === "number" || typeof x === "bigint") && (typeof y === "number" || typeof y === "bigint")) {
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if ((x instanceof Uint8Array && y instanceof Uint8Array) || (Array.isArray(x) && Array.isArray(y))) {
    for (let i = 0; i < Math.min(x.length, y.length); i++) {
      const difference = compare(x[i], y[i]);
      if (difference !== 0) return difference;
    }
    return x.length - y.length;
  }
  throw new PeekpackError(
    "unsupported-value",
    'A set is written sorted, and the members of this one have no order; `sets: "insertion"` writes it as it is.',
  );
}

/** The value that a member is compared by: 0 and 1 for booleans, the number of a wrapped float. */
function ordered(member: unknown): unknown {
  if (typeof member === "boolean") return Number(member);
  if (
    typeof member === "object" &&
    member !== null &&
    !(member instanceof Uint8Array) &&
    !Array.isArray(member)
  ) {
    return member.valueOf();
  }
  return member;
}

/** UTF-16 order puts U+10000 and above before U+E000 … U+FFFF; code-point order does not. */
function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      const high = x >= 0xd800 && x <= 0xdfff;
      return high === (y >= 0xd800 && y <= 0xdfff) ? x - y : high ? 1 : -1;
    }
  }
  return a.length - b.length;
}

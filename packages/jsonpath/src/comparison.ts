import type { Value } from "@peekpack/core";
import { isNdArray, isRecord } from "@peekpack/core/internal";
import type { Operator } from "./syntax.js";

/** What a query that selects no node gives. */
export const NOTHING: unique symbol = Symbol("nothing");
/** A map or a list whose contents were not read, because only a number, a text or the like is compared. */
export const CONTAINER: unique symbol = Symbol("container");

/** The value under a name of a map, or nothing. */
export function member(value: Value, name: string): Value | typeof NOTHING {
  if (value instanceof Map) return value.has(name) ? value.get(name) : NOTHING;
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : NOTHING;
}

/** What can be compared. */
export type Comparable = Value | typeof NOTHING | typeof CONTAINER;

/** The result of a comparison, by section 2.3.5.2.2 of RFC 9535. */
export function compares(left: Comparable, operator: Operator, right: Comparable): boolean {
  switch (operator) {
    case "==":
      return equal(left, right);
    case "!=":
      return !equal(left, right);
    case "<":
      return less(left, right);
    case ">":
      return less(right, left);
    case "<=":
      return less(left, right) || equal(left, right);
    case ">=":
      return less(right, left) || equal(left, right);
  }
}

function less(left: Comparable, right: Comparable): boolean {
  if (isNumber(left) && isNumber(right)) return left < right;
  return typeof left === "string" && typeof right === "string" && lessText(left, right);
}

/** Compares by code points. `<` compares by code units, in which U+FFFF follows U+10000. */
function lessText(left: string, right: string): boolean {
  let at = 0;
  while (at < left.length && left.charCodeAt(at) === right.charCodeAt(at)) at++;
  if (at >= right.length) return false;
  if (at >= left.length) return true;
  const high = at > 0 && (left.charCodeAt(at - 1) & 0xfc00) === 0xd800 ? at - 1 : at;
  return left.codePointAt(high)! < right.codePointAt(high)!;
}

function isNumber(value: Comparable): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

/** Whether two values are equal as JSON. Numbers and bigints are compared by value. Without recursion: values nest deep. */
function equal(left: Comparable, right: Comparable): boolean {
  const pairs: [Comparable, Comparable][] = [[left, right]];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [a, b] = pair;
    const list = itemsOf(a);
    if (list !== undefined) {
      const other = itemsOf(b);
      if (other?.length !== list.length) return false;
      for (const [i, item] of list.entries()) pairs.push([item, other[i]]);
      continue;
    }
    const members = membersOf(a);
    if (members === undefined) {
      if (!sameScalar(a, b)) return false;
      continue;
    }
    const others = membersOf(b);
    if (others?.size !== members.size) return false;
    for (const [name, value] of members) {
      if (!others.has(name)) return false;
      pairs.push([value, others.get(name)]);
    }
  }
  return true;
}

function sameScalar(a: Comparable, b: Comparable): boolean {
  // biome-ignore lint/suspicious/noDoubleEquals: 2 and 2n are the same number
  if (isNumber(a) && isNumber(b)) return a == b;
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return a.length === b.length && a.every((byte, i) => byte === b[i]);
  }
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  return a === b && a !== CONTAINER;
}

/** The items of a list, or undefined. An array of numpy is a list of its rows. */
export function itemsOf(value: Comparable): readonly Value[] | undefined {
  if (Array.isArray(value)) return value;
  if (isNdArray(value) && value.shape.length > 0) return value.toNested() as Value[];
  return undefined;
}

/** The members of a map whose keys are text, or undefined. */
export function membersOf(value: Comparable): ReadonlyMap<string, Value> | undefined {
  if (value instanceof Map) {
    return new Map([...value].filter((entry): entry is [string, Value] => typeof entry[0] === "string"));
  }
  return isRecord(value) ? new Map(Object.entries(value)) : undefined;
}

import type { NdArray, NdType, Value } from "@peekpack/core";
import { isNdArray, isRecord } from "@peekpack/core/internal";

/** A number type, by the name that Arrow gives it. */
export type NumberName =
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "float32"
  | "float64";

/** What the values of a column have in common. */
export type Kind =
  | { readonly tag: "null" | "bool" | "text" | "bytes" | "instant" | "json" }
  | { readonly tag: "number"; readonly name: NumberName }
  | { readonly tag: "list"; readonly item: Kind }
  | { readonly tag: "array"; readonly dtype: NdType; readonly dimensions: number }
  | { readonly tag: "record"; readonly fields: ReadonlyMap<string, Kind> };

const JSON_TEXT: Kind = { tag: "json" };
const NULL: Kind = { tag: "null" };
/** Values that nest deeper are JSON text: readers of Arrow recurse. */
const MAX_DEPTH = 32;

/** The kind of one value. */
export function kindOf(value: Value, depth = 0): Kind {
  if (depth > MAX_DEPTH) return JSON_TEXT;
  switch (typeof value) {
    case "undefined":
      return NULL;
    case "boolean":
      return { tag: "bool" };
    case "string":
      return { tag: "text" };
    case "number":
      return { tag: "number", name: "float64" };
    case "bigint":
      if (value === BigInt.asIntN(64, value)) return { tag: "number", name: "int64" };
      return value === BigInt.asUintN(64, value) ? { tag: "number", name: "uint64" } : JSON_TEXT;
  }
  if (value === null) return NULL;
  if (value instanceof Uint8Array) return { tag: "bytes" };
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? JSON_TEXT : { tag: "instant" };
  if (Array.isArray(value)) {
    let item = NULL;
    for (const inner of value) item = merged(item, kindOf(inner, depth + 1));
    return { tag: "list", item };
  }
  if (isNdArray(value)) {
    return { tag: "array", dtype: (value as NdArray).dtype, dimensions: value.shape.length };
  }
  const members = membersOf(value);
  if (members === undefined || members.size === 0) return JSON_TEXT;
  return {
    tag: "record",
    fields: new Map(Array.from(members, ([name, inner]) => [name, kindOf(inner, depth + 1)])),
  };
}

/** The members of a record. Undefined for any other value, and for a map with a key that is not a text. */
export function membersOf(value: Value): ReadonlyMap<string, Value> | undefined {
  if (value instanceof Map) {
    for (const key of value.keys()) if (typeof key !== "string") return undefined;
    return value as ReadonlyMap<string, Value>;
  }
  return isRecord(value) ? new Map(Object.entries(value)) : undefined;
}

/** What values of two kinds have in common. JSON text, if nothing else holds both. */
export function merged(a: Kind, b: Kind): Kind {
  if (a.tag === "null") return b;
  if (b.tag === "null") return a;
  if (a.tag === "number" && b.tag === "number") return a.name === b.name ? a : JSON_TEXT;
  if (a.tag === "list" && b.tag === "list") return { tag: "list", item: merged(a.item, b.item) };
  if (a.tag === "array" && b.tag === "array") {
    return a.dtype === b.dtype && a.dimensions === b.dimensions ? a : JSON_TEXT;
  }
  if (a.tag === "record" && b.tag === "record") {
    const fields = new Map(a.fields);
    for (const [name, kind] of b.fields) fields.set(name, merged(fields.get(name) ?? NULL, kind));
    return { tag: "record", fields };
  }
  return a.tag === b.tag ? a : JSON_TEXT;
}

/** A kind without `null`: where all values are null, JSON text holds whatever comes later. */
export function settled(kind: Kind): Kind {
  switch (kind.tag) {
    case "null":
      return JSON_TEXT;
    case "list":
      return { tag: "list", item: settled(kind.item) };
    case "record":
      return {
        tag: "record",
        fields: new Map(Array.from(kind.fields, ([name, inner]) => [name, settled(inner)])),
      };
    default:
      return kind;
  }
}

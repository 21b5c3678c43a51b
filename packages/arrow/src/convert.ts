import { type NdType, Timestamp, type Value } from "@peekpack/core";
import { isNdArray, toBase64 } from "@peekpack/core/internal";
import {
  binary,
  bool,
  type DataType,
  field,
  float32,
  float64,
  int8,
  int16,
  int32,
  int64,
  list,
  struct,
  TimeUnit,
  timestamp,
  uint8,
  uint16,
  uint32,
  uint64,
  utf8,
} from "@uwdata/flechette";
import { type Kind, membersOf, type NumberName } from "./kind.js";

const NUMBERS: { readonly [Name in NumberName]: () => DataType } = {
  int8,
  uint8,
  int16,
  uint16,
  int32,
  uint32,
  int64,
  uint64,
  float32,
  float64,
};
const INTEGER_BITS: { readonly [name: string]: number } = { int8: 8, int16: 16, int32: 32, int64: 64 };
const UNSIGNED_BITS: { readonly [name: string]: number } = { uint8: 8, uint16: 16, uint32: 32, uint64: 64 };

/** The Arrow type that holds values of a kind. */
export function arrowType(kind: Kind): DataType {
  switch (kind.tag) {
    case "bool":
      return bool();
    case "null":
    case "text":
    case "json":
      return utf8();
    case "bytes":
      return binary();
    case "instant":
      return timestamp(TimeUnit.MILLISECOND, "UTC");
    case "number":
      return NUMBERS[kind.name]();
    case "list":
      return list(arrowType(kind.item));
    case "array": {
      let type = elementType(kind.dtype);
      for (let i = 0; i < kind.dimensions; i++) type = list(type);
      return type;
    }
    case "record":
      return struct(Array.from(kind.fields, ([name, inner]) => field(name, arrowType(inner))));
  }
}

/** The Arrow type of the elements of an array of numpy. float16 was widened to 32 bits. */
export function elementType(dtype: NdType): DataType {
  if (dtype === "bool") return bool();
  return dtype === "float16" ? float32() : NUMBERS[dtype]();
}

/** Thrown inside {@link fitted}: what does not fit, in words. */
export class Misfit extends Error {}

/** A value as the builder of a column of its kind takes it. @throws Misfit */
export function fitted(value: Value, kind: Kind): unknown {
  if (value === undefined || value === null) return null;
  switch (kind.tag) {
    case "json":
      return jsonOf(value);
    case "bool":
      if (typeof value === "boolean") return value;
      break;
    case "text":
      if (typeof value === "string") return value;
      break;
    case "bytes":
      if (value instanceof Uint8Array) return value;
      break;
    case "instant":
      if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime();
      break;
    case "number":
      return fittedNumber(value, kind.name);
    case "list":
      if (Array.isArray(value)) return value.map((item) => fitted(item, kind.item));
      break;
    case "array":
      if (isNdArray(value) && value.shape.length === kind.dimensions) {
        if ((value as unknown as { dtype: NdType }).dtype === kind.dtype) return value.toNested();
      }
      break;
    case "record": {
      const members = membersOf(value);
      if (members === undefined) break;
      // Without a prototype: a member may be called __proto__.
      const row: { [name: string]: unknown } = Object.create(null);
      for (const [name, inner] of members) {
        const of = kind.fields.get(name);
        if (of === undefined) throw new Misfit(`its member ${JSON.stringify(name)} is new`);
        row[name] = fitted(inner, of);
      }
      return row;
    }
  }
  throw new Misfit(`${described(value)} does not fit the type ${kind.tag}`);
}

function fittedNumber(value: Value, name: NumberName): number | bigint {
  if (name === "float64" || name === "float32") {
    if (typeof value === "number") return value;
  } else if (typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value))) {
    const integer = BigInt(value);
    const signed = INTEGER_BITS[name];
    const held = signed ? BigInt.asIntN(signed, integer) : BigInt.asUintN(UNSIGNED_BITS[name]!, integer);
    if (held === integer) return name.endsWith("64") ? integer : Number(integer);
  }
  throw new Misfit(`${described(value)} does not fit ${name}`);
}

function described(value: Value): string {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (value === null || typeof value !== "object") return `a ${typeof value}`;
  return Array.isArray(value) ? "a list" : `a ${value.constructor.name}`;
}

/** A value as JSON text. What JSON lacks becomes text: bytes in base64, integers beyond 2^53 in decimal, instants as ISO 8601. */
function jsonOf(value: Value): string {
  return JSON.stringify(value, function (this: unknown, key: string, given: unknown) {
    // JSON.stringify has called toJSON of a Date already.
    const inner = (this as { [key: string]: unknown })[key];
    if (typeof inner === "bigint") return inner.toString();
    if (typeof inner === "number" && !Number.isFinite(inner)) return String(inner);
    if (inner instanceof Uint8Array) return toBase64(inner);
    if (inner instanceof Timestamp) return { seconds: inner.seconds, nanoseconds: inner.nanoseconds };
    if (inner instanceof Date && Number.isNaN(inner.getTime())) return "Invalid Date";
    if (inner instanceof Set) return [...inner];
    if (isNdArray(inner)) return plainRows(inner.toNested());
    if (inner instanceof Map) {
      const texts = [...inner.keys()].every((name) => typeof name === "string");
      return texts ? Object.fromEntries(inner) : [...inner];
    }
    return given;
  });
}

function plainRows(rows: unknown): unknown {
  if (ArrayBuffer.isView(rows)) return Array.from(rows as Uint8Array);
  return Array.isArray(rows) ? rows.map(plainRows) : rows;
}

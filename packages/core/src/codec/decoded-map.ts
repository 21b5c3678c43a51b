import type { Value } from "../values.js";
import type { MapStyle } from "./codec.js";

/**
 * Makes a map of keys and values given in turn: a plain object where every key is a string, unless `style` asks for a
 * Map. A key that occurs twice keeps its first position and its last value. `__proto__` becomes an own key.
 */
export function decodedMap(entries: readonly Value[], style: MapStyle): Value {
  let plain = style === "object";
  for (let i = 0; plain && i < entries.length; i += 2) plain = typeof entries[i] === "string";
  if (!plain) {
    const map = new Map<Value, Value>();
    for (let i = 0; i < entries.length; i += 2) map.set(entries[i], entries[i + 1]);
    return map;
  }
  const record: { [key: string]: Value } = {};
  for (let i = 0; i < entries.length; i += 2) setOwn(record, entries[i] as string, entries[i + 1]);
  return record;
}

/** Sets an own property, also one that is called `__proto__`. */
export function setOwn(record: { [key: string]: Value }, key: string, value: Value): void {
  if (key === "__proto__") {
    Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    record[key] = value;
  }
}

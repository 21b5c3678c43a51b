import { mayBeNumpyPickle } from "../pickle-sniff.js";
import type { Value } from "../values.js";
import { decodeNumpyPickle } from "./pickle.js";

/** Replaces byte strings that are pickled numpy arrays, in values that were just decoded. Returns `values`. */
export function reviveNumpy(values: Value[]): Value[] {
  replaceBytes(values, (bytes) => (mayBeNumpyPickle(bytes) ? (decodeNumpyPickle(bytes) ?? bytes) : bytes));
  return values;
}

/** Replaces byte strings. Without recursion: values nest as deep as the limits allow. */
function replaceBytes(values: Value[], replace: (bytes: Uint8Array) => Value): void {
  const open: (Value[] | Map<Value, Value> | { [key: string]: Value })[] = [values];
  const visit = (value: Value): Value => {
    if (value === null || typeof value !== "object") return value;
    if (value instanceof Uint8Array) return replace(value);
    const proto = Object.getPrototypeOf(value);
    if (Array.isArray(value) || value instanceof Map || proto === Object.prototype)
      open.push(value as Value[]);
    return value;
  };
  for (let container = open.pop(); container !== undefined; container = open.pop()) {
    if (Array.isArray(container)) {
      for (let i = 0; i < container.length; i++) {
        const old = container[i];
        const now = visit(old);
        if (now !== old) container[i] = now;
      }
    } else if (container instanceof Map) {
      for (const [key, old] of container) {
        const now = visit(old);
        if (now !== old) container.set(key, now);
      }
    } else {
      for (const key of Object.keys(container)) {
        const old = container[key];
        const now = visit(old);
        // Bytes under `__proto__` are an own property already; an assignment to an own property keeps it one.
        if (now !== old) container[key] = now;
      }
    }
  }
}

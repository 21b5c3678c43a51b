import { mayBeNumpyPickle } from "../numpy/sniff.js";
import type { Value } from "../values.js";

/**
 * Replaces, in freshly decoded values, byte strings that are pickled numpy arrays by those arrays. The decoder of
 * pickles is loaded when the first one turns up.
 */
export function reviveNumpy(values: Value[]): Value[] | Promise<Value[]> {
  if (!some(values, mayBeNumpyPickle)) return values;
  return import("../numpy/pickle.js").then(({ decodeNumpyPickle }) => {
    replace(values, (bytes) => (mayBeNumpyPickle(bytes) ? (decodeNumpyPickle(bytes) ?? bytes) : bytes));
    return values;
  });
}

function some(values: Value[], test: (bytes: Uint8Array) => boolean): boolean {
  let found = false;
  replace(values, (bytes) => {
    found ||= test(bytes);
    return bytes;
  });
  return found;
}

/** Walks without recursion: values may be nested as deep as the limits allow. */
function replace(values: Value[], change: (bytes: Uint8Array) => Value): void {
  const open: (Value[] | Map<Value, Value> | { [key: string]: Value })[] = [values];
  const visit = (value: Value): Value => {
    if (value === null || typeof value !== "object") return value;
    if (value instanceof Uint8Array) return change(value);
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
        // Bytes under `__proto__` are an own property already, and assigning to one keeps it that.
        if (now !== old) container[key] = now;
      }
    }
  }
}

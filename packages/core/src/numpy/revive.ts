import type { NdArray } from "../nd-array.js";
import { mayBeNumpyPickle } from "../pickle-sniff.js";
import type { Value } from "../values.js";
import { decodeNumpyPickle } from "./pickle.js";

/** Lets other work run in between. */
interface LongWork {
  /** What it returns is awaited. @throws the signal's reason after an abort */
  pause(signal: AbortSignal | undefined): undefined | Promise<void>;
}

/** Replaces byte strings that are pickled numpy arrays, in values that were just decoded. Returns `values`. */
export async function reviveNumpy(
  values: Value[],
  work: LongWork,
  options: { readonly signal?: AbortSignal | undefined } | undefined,
): Promise<Value[]> {
  const pause = (): undefined | Promise<void> => work.pause(options?.signal);
  for (const { bytes, replace } of byteStrings(values)) {
    if (!mayBeNumpyPickle(bytes)) continue;
    const array = await decodeNumpyPickle(bytes, pause);
    if (array !== undefined) replace(array);
  }
  return values;
}

/** A byte string among values. */
interface ByteString {
  readonly bytes: Uint8Array;
  /** Puts an array in its place. */
  replace(array: NdArray): void;
}

/** The byte strings among values, and in them. Without recursion: values nest as deep as the limits allow. */
function* byteStrings(values: Value[]): Generator<ByteString> {
  const open: (Value[] | Map<Value, Value> | { [key: string]: Value })[] = [values];
  const visit = (value: Value): value is Uint8Array => {
    if (value === null || typeof value !== "object") return false;
    if (value instanceof Uint8Array) return true;
    const proto = Object.getPrototypeOf(value);
    if (Array.isArray(value) || value instanceof Map || proto === Object.prototype)
      open.push(value as Value[]);
    return false;
  };
  for (let container = open.pop(); container !== undefined; container = open.pop()) {
    const parent = container;
    if (Array.isArray(parent)) {
      for (let i = 0; i < parent.length; i++) {
        const bytes = parent[i]!;
        if (visit(bytes))
          yield {
            bytes,
            replace: (array) => {
              parent[i] = array;
            },
          };
      }
    } else if (parent instanceof Map) {
      for (const [key, bytes] of parent) {
        if (visit(bytes)) yield { bytes, replace: (array) => parent.set(key, array) };
      }
    } else {
      for (const key of Object.keys(parent)) {
        const bytes = parent[key]!;
        // Bytes under `__proto__` are an own property already; an assignment to an own property keeps it one.
        if (visit(bytes))
          yield {
            bytes,
            replace: (array) => {
              parent[key] = array;
            },
          };
      }
    }
  }
}

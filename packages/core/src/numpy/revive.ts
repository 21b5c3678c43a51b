import { mayBeNumpyPickle } from "../pickle-sniff.js";
import type { Value } from "../values.js";
import { copyBytes, decodeNumpyPickle } from "./pickle.js";

/** Lets other work run in between. */
interface LongWork {
  /** What it returns is awaited. @throws the signal's reason after an abort */
  pause(signal: AbortSignal | undefined): undefined | Promise<void>;
}

/**
 * Replaces byte strings that are pickled numpy arrays, in values that were just decoded. Those that only look like one become
 * copies: a decoder may give views. Returns `values`.
 */
export async function reviveNumpy(
  values: Value[],
  work: LongWork,
  options: { readonly signal?: AbortSignal | undefined } | undefined,
): Promise<Value[]> {
  const pause = (): undefined | Promise<void> => work.pause(options?.signal);
  for (const { bytes, replace } of byteStrings(values)) {
    if (!mayBeNumpyPickle(bytes)) continue;
    replace((await decodeNumpyPickle(bytes, pause)) ?? (await copyBytes(bytes, pause)));
  }
  return values;
}

type Container = Value[] | Map<Value, Value> | { [key: string]: Value };

/** A byte string among values. */
interface ByteString {
  readonly bytes: Uint8Array;
  /** Stores another value instead of the byte string. */
  replace(other: Value): void;
}

/** The byte strings among values, and in them. Without recursion: values nest as deep as the limits allow. */
function* byteStrings(values: Value[]): Generator<ByteString> {
  const open: Container[] = [values];
  for (let container = open.pop(); container !== undefined; container = open.pop()) {
    const parent = container;
    for (const [key, value] of entriesOf(parent)) {
      if (value instanceof Uint8Array) {
        yield { bytes: value, replace: (other) => store(parent, key, other) };
      } else if (isContainer(value)) {
        open.push(value);
      }
    }
  }
}

function isContainer(value: Value): value is Container {
  if (value === null || typeof value !== "object") return false;
  return Array.isArray(value) || value instanceof Map || Object.getPrototypeOf(value) === Object.prototype;
}

function entriesOf(container: Container): Iterable<[Value, Value]> {
  if (container instanceof Map) return container;
  return Array.isArray(container) ? container.entries() : Object.entries(container);
}

/** Replaces the value of a key that the container has. */
function store(container: Container, key: Value, value: Value): void {
  if (container instanceof Map) container.set(key, value);
  // Bytes under `__proto__` are an own property already; an assignment to an own property keeps it one.
  else (container as { [key: string]: Value })[key as string] = value;
}

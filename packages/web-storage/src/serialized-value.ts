import { Ext, NdArray, Simple, Tagged, Timestamp, type Value } from "@peekpack/core";

/** Classes that consist of public fields only, in the order of {@link SerializedValue.plain}. */
const PLAIN = [Ext, Tagged, Simple, Timestamp] as const;

/**
 * A value that can be posted between a worker and a page. The structured clone copies fields and drops classes, but keeps
 * identities within one message: the instances of each class are listed next to the value.
 */
export interface SerializedValue {
  readonly root: { value: unknown };
  /** Instances of each plain class. */
  readonly plain: readonly (readonly object[])[];
  /** Positions of numpy arrays. They have private fields, and are created again. */
  readonly arrays: readonly { readonly holder: object; readonly key: unknown }[];
}

/**
 * Serializes a value. The value must not be used afterwards: it is modified, and its buffers are to be transferred. A byte
 * string that is a view of larger memory is copied first, because the clone would copy all of that memory.
 */
export function serializeValue(value: Value): {
  readonly serialized: SerializedValue;
  readonly buffers: Set<ArrayBuffer>;
} {
  const root = { value: value as unknown };
  const plain: object[][] = PLAIN.map(() => []);
  const arrays: { holder: object; key: unknown }[] = [];
  const buffers = new Set<ArrayBuffer>();
  const unvisited: object[] = [root];

  const visit = (item: unknown, holder: object, key: unknown): void => {
    if (typeof item !== "object" || item === null || item instanceof Date) return;
    if (ArrayBuffer.isView(item)) {
      const view = item as Uint8Array<ArrayBuffer>;
      const own = view.byteLength === view.buffer.byteLength ? view : view.slice();
      if (own !== item) setEntry(holder, key, own);
      buffers.add(own.buffer);
      return;
    }
    if (item instanceof NdArray) arrays.push({ holder, key });
    else plain[PLAIN.findIndex((type) => item instanceof type)]?.push(item);
    unvisited.push(item);
  };
  /** Visits a map key or a set member. Those cannot be replaced, so that views stay as they are. */
  const visitKey = (item: unknown): void => {
    if (typeof item === "object" && item !== null && !ArrayBuffer.isView(item)) visit(item, root, undefined);
  };

  for (let container = unvisited.pop(); container !== undefined; container = unvisited.pop()) {
    if (container instanceof Map) {
      for (const [key, item] of container) {
        visitKey(key);
        visit(item, container, key);
      }
    } else if (container instanceof Set) {
      for (const member of container) visitKey(member);
    } else {
      for (const [key, item] of Object.entries(container)) visit(item, container, key);
    }
  }
  return { serialized: { root, plain, arrays }, buffers };
}

/** Restores a value and the classes of its parts. Modifies `serialized`. */
export function deserializeValue({ root, plain, arrays }: SerializedValue): Value {
  for (const [i, type] of PLAIN.entries()) {
    for (const instance of plain[i] ?? []) Object.setPrototypeOf(instance, type.prototype);
  }
  for (const { holder, key } of arrays) {
    const { data, shape, dtype } = (
      holder instanceof Map ? holder.get(key) : (holder as { [key: string]: unknown })[key as string]
    ) as NdArray;
    setEntry(holder, key, new NdArray(data, shape, dtype));
  }
  return root.value as Value;
}

function setEntry(holder: object, key: unknown, item: unknown): void {
  if (holder instanceof Map) holder.set(key, item);
  else (holder as { [key: string]: unknown })[key as string] = item;
}

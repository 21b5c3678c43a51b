import { Ext, NdArray, Simple, Tagged, Timestamp, type Value } from "@peekpack/core";

/** The classes whose instances are told by their fields alone, in the order in which {@link CarriedValue.plain} has them. */
const PLAIN = [Ext, Tagged, Simple, Timestamp] as const;

/**
 * A value on its way between a worker and a page. The structured clone copies an object's fields and drops its class, but
 * within one message it keeps which object is which: the instances of each class are listed beside the value.
 */
export interface CarriedValue {
  readonly root: { value: unknown };
  /** Instances of each of the plain classes. */
  readonly plain: readonly (readonly object[])[];
  /** Where arrays of numpy stand. They have private parts, and are made anew. */
  readonly arrays: readonly { readonly holder: object; readonly key: unknown }[];
}

/**
 * Makes a value ready to be posted. Nothing else may refer to it: it is changed, and its buffers are to be transferred.
 * Byte strings that are views of larger memory become copies, as the clone would take all of that memory along.
 */
export function carry(value: Value): { readonly carried: CarriedValue; readonly buffers: Set<ArrayBuffer> } {
  const root = { value: value as unknown };
  const plain: object[][] = PLAIN.map(() => []);
  const arrays: { holder: object; key: unknown }[] = [];
  const buffers = new Set<ArrayBuffer>();
  const open: object[] = [root];

  /** Looks at one value; what is to be looked into goes on the stack. */
  const visit = (item: unknown, holder: object, key: unknown): void => {
    if (typeof item !== "object" || item === null || item instanceof Date) return;
    if (ArrayBuffer.isView(item)) {
      const view = item as Uint8Array<ArrayBuffer>;
      const own = view.byteLength === view.buffer.byteLength ? view : view.slice();
      if (own !== item) put(holder, key, own);
      buffers.add(own.buffer);
      return;
    }
    if (item instanceof NdArray) arrays.push({ holder, key });
    else plain[PLAIN.findIndex((type) => item instanceof type)]?.push(item);
    open.push(item);
  };

  for (let container = open.pop(); container !== undefined; container = open.pop()) {
    if (container instanceof Map) {
      for (const [key, item] of container) {
        note(key);
        visit(item, container, key);
      }
    } else if (container instanceof Set) {
      for (const member of container) note(member);
    } else {
      for (const [key, item] of Object.entries(container)) visit(item, container, key);
    }
  }

  /** A key or a member cannot be replaced: it is taken along as it is. */
  function note(item: unknown): void {
    if (typeof item === "object" && item !== null && !ArrayBuffer.isView(item)) visit(item, root, undefined);
  }
  return { carried: { root, plain, arrays }, buffers };
}

/** The value of a message, with the classes that it had. */
export function unpacked({ root, plain, arrays }: CarriedValue): Value {
  for (const [i, type] of PLAIN.entries()) {
    for (const instance of plain[i] ?? []) Object.setPrototypeOf(instance, type.prototype);
  }
  for (const { holder, key } of arrays) {
    const { data, shape, dtype } = (
      holder instanceof Map ? holder.get(key) : (holder as { [key: string]: unknown })[key as string]
    ) as NdArray;
    put(holder, key, new NdArray(data, shape, dtype));
  }
  return root.value as Value;
}

function put(holder: object, key: unknown, item: unknown): void {
  if (holder instanceof Map) holder.set(key, item);
  else (holder as { [key: string]: unknown })[key as string] = item;
}

/** A copy of a full stack of numbers, of twice the size. */
export function widened<T extends Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(stack: T): T {
  const wide = new (stack.constructor as new (length: number) => T)(stack.length * 2);
  wide.set(stack);
  return wide;
}

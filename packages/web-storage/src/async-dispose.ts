/** Adds `Symbol.asyncDispose` to an object, for `await using`. Some supported browsers lack the symbol. */
export function addAsyncDispose<T extends { [Symbol.asyncDispose](): Promise<void> }>(
  object: Omit<T, typeof Symbol.asyncDispose>,
  dispose: () => Promise<void>,
): T {
  if (Symbol.asyncDispose) {
    Object.defineProperty(object, Symbol.asyncDispose, { value: dispose, enumerable: true });
  }
  return object as T;
}

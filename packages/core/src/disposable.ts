/**
 * Adds `Symbol.asyncDispose`, for `await using`, to an object that ends by `close` or another method. Some supported browsers
 * lack the symbol.
 */
export function disposable<T extends AsyncDisposable, M extends string = "close">(
  object: Omit<T, typeof Symbol.asyncDispose> & Record<M, () => void | Promise<void>>,
  method: M = "close" as M,
): T {
  const whole: unknown = Symbol.asyncDispose
    ? Object.assign(object, { [Symbol.asyncDispose]: async () => object[method]() })
    : object;
  return whole as T;
}

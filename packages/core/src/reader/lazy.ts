/**
 * Marks the lazy handles (Archive, LazyMap, LazyList), so that the writer knows them without importing the reader. A
 * registered symbol: handles of another copy of this package are known too.
 */
export const LAZY: unique symbol = Symbol.for("peekpack.lazy") as never;

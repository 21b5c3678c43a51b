import type { ClosableSource } from "./range-source.js";

/** Adds `Symbol.asyncDispose` to a source, where JavaScript has that symbol. It calls `close`. */
export function closable<S extends ClosableSource = ClosableSource>(
  source: Omit<S, typeof Symbol.asyncDispose>,
): S {
  // Some supported browsers lack the symbol.
  return Symbol.asyncDispose
    ? Object.assign(source as S, { [Symbol.asyncDispose]: () => source.close() })
    : (source as S);
}

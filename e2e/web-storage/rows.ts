/** Rows of deterministic data, equal in a page and in Node. */
export interface Row {
  readonly i: number;
  readonly data: Uint8Array;
}

/** Generates rows of `bytes` bytes each. */
export function* rows(count: number, bytes: number): Generator<Row> {
  for (let i = 0; i < count; i++) yield row(i, bytes);
}

/** One row. */
export function row(i: number, bytes: number): Row {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  let state = (i + 1) * 0x9e3779b1;
  for (let at = 0; at < words.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[at] = state;
  }
  return { i, data: new Uint8Array(words.buffer, 0, bytes) };
}

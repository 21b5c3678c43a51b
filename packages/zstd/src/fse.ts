import { damaged } from "./zstd-error.js";

/**
 * A decoding table of finite state entropy (RFC 8878, 4.1). Each state has one entry: the symbol in bits 24–31, the number of bits to
 * read in bits 16–23, and what is added to these to get the next state in bits 0–15.
 */
export interface FseTable {
  readonly entries: Int32Array;
  /** The number of states is 2 to the power of this. */
  readonly log: number;
}

/** What a table description says. */
export interface FseDescription {
  readonly table: FseTable;
  /** Offset of the first byte after the description. */
  readonly end: number;
}

/**
 * Builds the table for a distribution.
 * @param counts how many of the states each symbol has; −1: less than one. They add up to 2 to the power of `log`
 */
export function fseTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const next = new Uint16Array(counts.length);
  let high = size - 1;
  for (const [symbol, count] of counts.entries()) {
    if (count === -1) symbols[high--] = symbol;
    next[symbol] = Math.abs(count);
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let position = 0;
  for (const [symbol, count] of counts.entries()) {
    for (let i = 0; i < count; i++) {
      symbols[position] = symbol;
      do position = (position + step) & (size - 1);
      while (position > high);
    }
  }
  const entries = new Int32Array(size);
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state]!;
    const number = next[symbol]!++;
    const bits = log - (31 - Math.clz32(number));
    entries[state] = (symbol << 24) | (bits << 16) | ((number << bits) - size);
  }
  return { entries, log };
}

/** The table that has one symbol only. Its states take no bits. */
export function singleSymbolTable(symbol: number): FseTable {
  return { entries: Int32Array.of(symbol << 24), log: 0 };
}

/**
 * Reads a table description (RFC 8878, 4.1.1).
 * @throws PeekpackError `corrupt`
 */
export function readFseTable(
  bytes: Uint8Array,
  start: number,
  maxLog: number,
  maxSymbol: number,
): FseDescription {
  let at = start * 8;
  const peek = (): number => {
    const byte = at >> 3;
    return ((bytes[byte] ?? 0) | ((bytes[byte + 1] ?? 0) << 8) | ((bytes[byte + 2] ?? 0) << 16)) >> (at & 7);
  };
  const log = (peek() & 15) + 5;
  at += 4;
  if (log > maxLog) throw damaged();
  const counts: number[] = [];
  let remaining = (1 << log) + 1;
  let threshold = 1 << log;
  let width = log + 1;
  while (remaining > 1) {
    if (counts.length > maxSymbol) throw damaged();
    const max = 2 * threshold - 1 - remaining;
    const value = peek();
    let count = value & (threshold - 1);
    if (count < max) {
      at += width - 1;
    } else {
      count = value & (2 * threshold - 1);
      if (count >= threshold) count -= max;
      at += width;
    }
    count--;
    remaining -= Math.abs(count);
    counts.push(count);
    while (remaining < threshold && width > 1) {
      width--;
      threshold >>= 1;
    }
    for (let repeat = count === 0 ? 3 : 0; repeat === 3; ) {
      repeat = peek() & 3;
      at += 2;
      for (let i = 0; i < repeat; i++) counts.push(0);
      if (counts.length > maxSymbol + 1) throw damaged();
    }
  }
  const end = (at + 7) >> 3;
  if (remaining !== 1 || counts.length > maxSymbol + 1 || end > bytes.length) throw damaged();
  return { table: fseTable(counts, log), end };
}

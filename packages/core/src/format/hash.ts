/** Start value and prime of FNV-1a with 32 bits. */
export const FNV_BASIS = 0x811c9dc5;
export const FNV_PRIME = 0x01000193;

/** FNV-1a over some bytes, from a start value on, then {@link finalized}: without it, the low bits depend on few bytes. */
export function hashBytes(basis: number, bytes: Uint8Array, start: number, end: number): number {
  let hash = basis;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, FNV_PRIME);
  return finalized(hash);
}

/** MurmurHash3's finalizer: a bijection. */
export function finalized(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

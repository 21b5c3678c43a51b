/** The value of a head whose length is indefinite, and of a break. */
export const INDEFINITE = -1;

/** Size in bytes of the head that begins with `type`, 1 for an indefinite length and for a break; 0 for a reserved one. */
export function headSize(type: number): number {
  const info = type & 31;
  return info < 24 || info === 31 ? 1 : info < 28 ? 1 + (1 << (info - 24)) : 0;
}

/** The number in the head at `at`, as near as a double comes to it; {@link INDEFINITE} without one. */
export function headValue(view: DataView, at: number): number {
  const info = view.getUint8(at) & 31;
  if (info < 24) return info;
  if (info === 24) return view.getUint8(at + 1);
  if (info === 25) return view.getUint16(at + 1);
  if (info === 26) return view.getUint32(at + 1);
  return info === 27 ? view.getUint32(at + 1) * 0x100000000 + view.getUint32(at + 5) : INDEFINITE;
}

/** The exact number in the head at `at`, of which {@link headValue} gave `value`. */
export function exactHeadValue(view: DataView, at: number, value: number): number | bigint {
  return value <= Number.MAX_SAFE_INTEGER ? value : view.getBigUint64(at + 1);
}

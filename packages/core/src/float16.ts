/** The value of an IEEE 754 half-precision float given by its 16 bits. */
export function fromFloat16(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const magnitude =
    exponent === 31
      ? fraction === 0
        ? Number.POSITIVE_INFINITY
        : Number.NaN
      : exponent === 0
        ? fraction * 2 ** -24
        : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** The 16 bits of the half-precision float nearest to `value`, ties to even, too large values to infinity. */
export function toFloat16(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  // Halfway between the largest finite half, 65504, and the next step.
  if (magnitude >= 65520) return sign | 0x7c00;
  // The exponent of the last place: subnormals share the smallest.
  let exponent = Math.max(Math.floor(Math.log2(magnitude)), -14);
  // log2 may round up to the next power of two.
  if (exponent > -14 && 2 ** exponent > magnitude) exponent--;
  const scaled = magnitude / 2 ** (exponent - 10);
  const down = Math.floor(scaled);
  const rest = scaled - down;
  const rounded = down + (rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? 1 : 0);
  // A carry out of the fraction runs into the exponent, as it should.
  return sign | (rounded + (exponent + 14) * 1024);
}

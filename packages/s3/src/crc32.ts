/** A CRC32 as S3 writes it: four bytes, most significant first, in base64. */
export function crc32Base64(value: number): string {
  return btoa(String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255));
}

/** Parses the output of {@link crc32Base64}. Undefined for anything else. */
export function parseCrc32(base64: string | undefined): number | undefined {
  if (base64 === undefined || !/^[A-Za-z0-9+/]{6}==$/.test(base64)) return undefined;
  return [...atob(base64)].reduce((value, char) => ((value << 8) | char.charCodeAt(0)) >>> 0, 0);
}

/**
 * The CRC32 of two byte sequences, one after the other, from their CRC32s and the size of the second. A CRC is linear over
 * GF(2): `size` more bytes multiply the first by x^(8·size) modulo the polynomial.
 */
export function combineCrc32(first: number, second: number, size: number): number {
  return (multiply(powerOfX(size * 8), first) ^ second) >>> 0;
}

// The highest bit of a polynomial is its lowest power, as in CRC32.
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;

function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= b;
    b = b & 1 ? (b >>> 1) ^ POLYNOMIAL : b >>> 1;
  }
  return product >>> 0;
}

/** x^n modulo the polynomial, by squaring. `n` may exceed 32 bits. */
function powerOfX(n: number): number {
  let result = ONE;
  let square = ONE >>> 1;
  for (let left = n; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = multiply(square, result);
    square = multiply(square, square);
  }
  return result;
}

/** The integer as a number if it is within ±(2^53 − 1), else as it is. */
export function safeInteger(value: bigint): number | bigint {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}

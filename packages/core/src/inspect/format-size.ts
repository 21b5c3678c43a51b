const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/**
 * A size with up to three digits and a decimal unit, as object stores bill: 412 kB.
 * @param bytes at least 0
 * @param separator between number and unit. Default a space
 */
export function formatSize(bytes: number, separator = " "): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)}${separator}${UNITS[unit]}`;
}

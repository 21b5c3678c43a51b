/** Whether a number is written as an integer. −0 is a float, and so is a number that a double may have rounded. */
export function isInteger(value: number): boolean {
  return (value | 0) === value ? value !== 0 || 1 / value > 0 : Number.isSafeInteger(value) && value !== 0;
}

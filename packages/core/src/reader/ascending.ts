/** The last of ascending numbers that is not greater than another, by its index: the block that holds an item. */
export function blockOf(before: Float64Array, index: number): number {
  let low = 0;
  let high = before.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before[middle + 1]! <= index) low = middle + 1;
    else high = middle;
  }
  return low;
}

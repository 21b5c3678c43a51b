/** Checks options that count something. @throws RangeError if one is not an integer of at least 0 */
export function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${name} is an integer of at least 0.`);
  }
}

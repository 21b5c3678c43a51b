/** Where two byte strings differ first, and what stands around that place in each; undefined where they are the same. */
export function firstDifference(actual: Uint8Array, expected: Uint8Array): string | undefined {
  if (Buffer.compare(actual, expected) === 0) return undefined;
  let at = 0;
  while (actual[at] === expected[at]) at++;
  const around = (bytes: Uint8Array): string =>
    Buffer.from(bytes.subarray(Math.max(0, at - 24), at + 24)).toString("hex");
  return `byte ${at} of ${actual.length} and ${expected.length}: ${around(actual)} instead of ${around(expected)}`;
}

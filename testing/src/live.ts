/**
 * Whether something live (a real server, Python) that is absent fails the tests that need it instead of skipping them:
 * PEEKPACK_REQUIRE_LIVE=1.
 */
export const liveRequired = (): boolean => process.env.PEEKPACK_REQUIRE_LIVE === "1";

/** Says loudly that tests are skipped, and why. @returns whether they are: not where live things are required */
export function skippedAsAbsent(what: string, why: string | undefined): boolean {
  if (why === undefined || liveRequired()) return false;
  console.warn(`SKIPPED: ${what}: ${why}`);
  return true;
}

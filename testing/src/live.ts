/**
 * Whether tests fail instead of being skipped if something that they need (a real server, a browser, Python) is absent:
 * PEEKPACK_REQUIRE_LIVE=1.
 */
export const liveRequired = (): boolean => process.env.PEEKPACK_REQUIRE_LIVE === "1";

/** Warns that tests are skipped. @returns whether to skip them: something is absent and not required */
export function skippedAsAbsent(what: string, why: string | undefined): boolean {
  if (why === undefined || liveRequired()) return false;
  console.warn(`SKIPPED: ${what}: ${why}`);
  return true;
}

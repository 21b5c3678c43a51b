/**
 * Whether tests fail instead of being skipped if something that they need (a real server, a browser, Python) is absent:
 * PEEKPACK_REQUIRE_LIVE=1.
 */
export const liveRequired = (): boolean => process.env.PEEKPACK_REQUIRE_LIVE === "1";

/**
 * Warns that tests are skipped because something is absent.
 * @param why undefined if it is present
 * @param required whether the tests must fail instead. Default: {@link liveRequired}
 * @returns whether to skip the tests
 */
export function skippedAsAbsent(
  what: string,
  why: string | undefined,
  required: boolean = liveRequired(),
): boolean {
  if (why === undefined || required) return false;
  console.warn(`SKIPPED: ${what}: ${why}`);
  return true;
}

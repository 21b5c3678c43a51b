/** A skipped test. */
export interface SkippedTest {
  readonly name: string;
  /** Undefined if the test gives none. */
  readonly reason: string | undefined;
}

/** Result of a test runner. */
export interface Outcome {
  readonly passed: number;
  /** Names of failed tests, and failures outside tests: a file that does not load, an uncaught error. */
  readonly failed: readonly string[];
  readonly skipped: readonly SkippedTest[];
}

/** Merges outcomes. */
export function merged(outcomes: readonly Outcome[]): Outcome {
  return {
    passed: outcomes.reduce((sum, { passed }) => sum + passed, 0),
    failed: outcomes.flatMap(({ failed }) => failed),
    skipped: outcomes.flatMap(({ skipped }) => skipped),
  };
}

/** The closing lines: failed tests, skipped tests by reason, and last the counts. */
export function summary({ passed, failed, skipped }: Outcome): string[] {
  const byReason = new Map<string, string[]>();
  for (const { name, reason = "they give no reason" } of skipped) {
    const names = byReason.get(reason);
    if (names === undefined) byReason.set(reason, [name]);
    else names.push(name);
  }
  return [
    ...(failed.length === 0 ? [] : ["Failed:", ...failed.map((name) => `  ${name}`), ""]),
    ...(byReason.size === 0 ? [] : ["Skipped:"]),
    ...[...byReason].flatMap(([reason, names]) => [
      `  ${names.length} because ${reason}`,
      ...names.slice(0, 3).map((name) => `      ${name}`),
      ...(names.length > 3 ? [`      and ${names.length - 3} more`] : []),
    ]),
    ...(byReason.size === 0 ? [] : [""]),
    `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`,
  ];
}

/** A test that did not run, and why. */
export interface SkippedTest {
  readonly name: string;
  /** In words; undefined where the test does not say. */
  readonly reason: string | undefined;
}

/** What a runner of tests has found. */
export interface Outcome {
  readonly passed: number;
  /** Names of tests that failed, and of what failed beside tests: a file that cannot be loaded, an error that nobody caught. */
  readonly failed: readonly string[];
  readonly skipped: readonly SkippedTest[];
}

/** Joins what several runners have found. */
export function joined(outcomes: readonly Outcome[]): Outcome {
  return {
    passed: outcomes.reduce((sum, { passed }) => sum + passed, 0),
    failed: outcomes.flatMap(({ failed }) => failed),
    skipped: outcomes.flatMap(({ skipped }) => skipped),
  };
}

/** The closing lines: what failed, what was skipped by reason, and last the count. */
export function summary({ passed, failed, skipped }: Outcome): string[] {
  const byReason = new Map<string, string[]>();
  for (const { name, reason = "it gives no reason" } of skipped) {
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

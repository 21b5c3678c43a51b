import { readFileSync } from "node:fs";
import type { JSONReport, JSONReportSuite } from "@playwright/test/reporter";
import type { Outcome, SkippedTest } from "./outcome.js";

/** Reads the report of Playwright's JSON reporter. @throws Error if it is missing */
export function playwrightOutcome(file: string): Outcome {
  const { suites, errors } = JSON.parse(readFileSync(file, "utf8")) as JSONReport;
  let passed = 0;
  const failed: string[] = errors.map(
    ({ message }) => `Playwright: ${message?.split("\n")[0] ?? "an error"}`,
  );
  const skipped: SkippedTest[] = [];
  const visit = (suite: JSONReportSuite, above: readonly string[]): void => {
    const names = [...above, suite.title];
    for (const spec of suite.specs) {
      for (const test of spec.tests) {
        const name = `e2e/${[...names, spec.title].join(" > ")}`;
        if (test.status === "expected") passed++;
        else if (test.status === "skipped") {
          const skip = test.annotations.find(({ type }) => type === "skip");
          skipped.push({ name, reason: skip ? skip.description : "an earlier hook failed" });
        } else failed.push(test.status === "flaky" ? `${name} (passed only on retry)` : name);
      }
    }
    for (const inner of suite.suites ?? []) visit(inner, names);
  };
  for (const suite of suites) visit(suite, []);
  return { passed, failed, skipped };
}

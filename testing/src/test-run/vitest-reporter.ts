import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { UserConsoleLog } from "vitest";
import type { SerializedError, TestCase, TestModule } from "vitest/node";
import type { Reporter } from "vitest/reporters";
import type { Outcome, SkippedTest } from "./outcome.js";

/** Environment variable with the path of the report. */
export const OUTCOME_FILE = "PEEKPACK_VITEST_OUTCOME";

/**
 * Writes an {@link Outcome} as JSON. Vitest's JSON reporter omits skip reasons and files that do not load.
 */
export default class OutcomeReporter implements Reporter {
  /** Lines `SKIPPED: what: why`, with the file that printed them. */
  readonly #printed: { readonly file: string | undefined; readonly what: string; readonly why: string }[] =
    [];

  onUserConsoleLog({ content, taskId: file }: UserConsoleLog): void {
    for (const [, what, why] of content.matchAll(/^SKIPPED: (.+?): (.+)$/gm)) {
      this.#printed.push({ file, what: what!, why: why! });
    }
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env[OUTCOME_FILE];
    if (file === undefined) return;
    let passed = 0;
    const failed: string[] = [];
    const skipped: SkippedTest[] = [];
    for (const module of modules) {
      const path = relative(process.cwd(), module.moduleId);
      // Errors of a file or suite (loading, hooks) fail no test.
      for (const error of module.errors()) failed.push(`${path}: ${error.message}`);
      for (const suite of module.children.allSuites()) {
        for (const error of suite.errors()) failed.push(`${path}: ${suite.fullName}: ${error.message}`);
      }
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        const name = `${path}: ${test.fullName}`;
        if (state === "passed") passed++;
        else if (state === "failed") failed.push(name);
        else if (state === "skipped") skipped.push({ name, reason: this.#reason(test) });
        else failed.push(`${name} (did not end)`);
      }
    }
    for (const error of unhandled) failed.push(`uncaught error: ${error.message}`);
    const outcome: Outcome = { passed, failed, skipped };
    writeFileSync(file, JSON.stringify(outcome));
  }

  /** The reason: the test's note, the text after "is absent:" in its name, or a line that its file printed. */
  #reason(test: TestCase): string | undefined {
    const result = test.result();
    if (result.state === "skipped" && result.note) return result.note;
    const absent = /\bis absent: (.+)$/.exec(test.name)?.[1];
    if (absent !== undefined) return absent;
    // Output printed while a file loads has the file's name as task id.
    const { moduleId, id, relativeModuleId } = test.module;
    const here = this.#printed.filter(
      ({ file }) => file === id || file === relativeModuleId || file === moduleId,
    );
    return (here.find(({ what }) => test.fullName.includes(what)) ?? here[0])?.why;
  }
}

import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { UserConsoleLog } from "vitest";
import type { SerializedError, TestCase, TestModule } from "vitest/node";
import type { Reporter } from "vitest/reporters";
import type { Outcome, SkippedTest } from "./outcome.js";

/** Where the outcome is written to. */
export const OUTCOME_FILE = "PEEKPACK_VITEST_OUTCOME";

/**
 * Writes an {@link Outcome}. Vitest's own JSON leaves out the reason that a test gives for skipping itself, and files that
 * could not be loaded.
 */
export default class OutcomeReporter implements Reporter {
  /** What was announced as `SKIPPED: what: why`, and in which file. */
  readonly #announced: { readonly file: string | undefined; readonly what: string; readonly why: string }[] =
    [];

  onUserConsoleLog({ content, taskId: file }: UserConsoleLog): void {
    for (const [, what, why] of content.matchAll(/^SKIPPED: (.+?): (.+)$/gm)) {
      this.#announced.push({ file, what: what!, why: why! });
    }
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env[OUTCOME_FILE];
    if (file === undefined) return;
    let passed = 0;
    const failed: string[] = [];
    const skipped: SkippedTest[] = [];
    for (const module of modules) {
      const place = relative(process.cwd(), module.moduleId);
      // Errors of a file or of a suite (hooks, loading) fail no test by themselves.
      for (const error of module.errors()) failed.push(`${place}: ${error.message}`);
      for (const suite of module.children.allSuites()) {
        for (const error of suite.errors()) failed.push(`${place}: ${suite.fullName}: ${error.message}`);
      }
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        const name = `${place}: ${test.fullName}`;
        if (state === "passed") passed++;
        else if (state === "failed") failed.push(name);
        else if (state === "skipped") skipped.push({ name, reason: this.#reason(test) });
        else failed.push(`${name} (did not end)`);
      }
    }
    for (const error of unhandled) failed.push(`an error that nobody caught: ${error.message}`);
    const outcome: Outcome = { passed, failed, skipped };
    writeFileSync(file, JSON.stringify(outcome));
  }

  /** Its note, the words after "is absent" in its name, or what its file announced: of it, if it did, else first. */
  #reason(test: TestCase): string | undefined {
    const result = test.result();
    if (result.state === "skipped" && result.note) return result.note;
    const absent = /\bis absent: (.+)$/.exec(test.name)?.[1];
    if (absent !== undefined) return absent;
    // What is written while a file loads has the file's name for an id.
    const { moduleId, id, relativeModuleId } = test.module;
    const here = this.#announced.filter(
      ({ file }) => file === id || file === relativeModuleId || file === moduleId,
    );
    return (here.find(({ what }) => test.fullName.includes(what)) ?? here[0])?.why;
  }
}

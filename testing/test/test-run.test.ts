import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { merged, type Outcome, summary } from "../src/test-run/outcome.js";
import { playwrightOutcome } from "../src/test-run/playwright-outcome.js";
import { OUTCOME_FILE } from "../src/test-run/vitest-reporter.js";

let directory: string;
beforeAll(async () => {
  // Within the repository, so that the files can import vitest and Playwright.
  const cache = fileURLToPath(new URL("../../.cache/", import.meta.url));
  await mkdir(cache, { recursive: true });
  directory = await mkdtemp(join(cache, "test-run-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function runTool(
  packageName: string,
  program: string,
  args: string[],
  env: Record<string, string>,
): Promise<void> {
  const manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
  // Environment variables of the outer vitest must not reach the inner run.
  const { VITEST, VITEST_MODE, VITEST_POOL_ID, VITEST_WORKER_ID, NODE_OPTIONS, ...rest } = process.env;
  const child = spawn(process.execPath, [join(dirname(manifest), program), ...args], {
    cwd: directory,
    stdio: "ignore",
    env: { ...rest, ...env },
  });
  await once(child, "exit");
}

describe("npm test", { timeout: 120_000 }, () => {
  it("counts every failure and skip reason of vitest", async () => {
    await writeFile(
      join(directory, "tests.test.js"),
      `import { describe, it, expect } from "vitest";
       console.warn("SKIPPED: the moon: it is not up");
       it("passes", () => {});
       it("fails", () => expect(1).toBe(2));
       it("skips itself", (context) => context.skip("there is no fuel"));
       describe.skip("a flight to the moon", () => { it("lands", () => {}); });
       describe.skip("elsewhere", () => { it("is absent: nobody has a map", () => {}); });
       it("is left by an error", () => { setTimeout(() => { throw new Error("too late"); }, 1); });
       it("waits", () => new Promise((resolve) => setTimeout(resolve, 100)));`,
    );
    await writeFile(join(directory, "broken.test.js"), `throw new Error("cannot be loaded");`);
    await writeFile(
      join(directory, "hook.test.js"),
      `import { afterAll, describe, it } from "vitest";
       describe("a suite", () => { afterAll(() => { throw new Error("left dirty"); }); it("passes", () => {}); });`,
    );
    await writeFile(join(directory, "vitest.config.js"), "export default {};");
    const file = join(directory, "vitest.json");
    const reporter = fileURLToPath(new URL("../src/test-run/vitest-reporter.ts", import.meta.url));
    await runTool("vitest", "vitest.mjs", ["run", "--root", directory, `--reporter=${reporter}`], {
      [OUTCOME_FILE]: file,
    });
    const { passed, failed, skipped } = JSON.parse(await readFile(file, "utf8")) as Outcome;
    expect(passed).toBe(4);
    expect(failed.toSorted()).toEqual([
      "broken.test.js: cannot be loaded",
      "hook.test.js: a suite: left dirty",
      "tests.test.js: fails",
      "uncaught error: too late",
    ]);
    expect(skipped.map(({ reason }) => reason)).toEqual([
      "there is no fuel",
      "it is not up",
      "nobody has a map",
    ]);
  });

  it("counts the results of Playwright, and a test that passes only on retry as failed", async () => {
    await writeFile(
      join(directory, "pages.spec.js"),
      `import { test, expect } from "@playwright/test";
       test("passes", () => {});
       test("fails", () => expect(1).toBe(2));
       test("skips itself", () => test.skip(true, "there is no fuel"));
       test("passes at last", () => expect(test.info().retry).toBe(1));
       test.describe("after a hook that fails", () => {
         test.beforeAll(() => { throw new Error("no server"); });
         test("never runs", () => {});
         test("is not even tried", () => {});
       });`,
    );
    await writeFile(join(directory, "package.json"), '{ "type": "module" }');
    await writeFile(
      join(directory, "playwright.config.js"),
      'export default { testDir: ".", testMatch: "*.spec.js" };',
    );
    const file = join(directory, "playwright.json");
    await runTool("@playwright/test", "cli.js", ["test", "--reporter=json", "--retries=1"], {
      PLAYWRIGHT_JSON_OUTPUT_FILE: file,
    });
    const { passed, failed, skipped } = playwrightOutcome(file);
    expect(passed).toBe(1);
    expect(failed).toEqual([
      "e2e/pages.spec.js > fails",
      "e2e/pages.spec.js > passes at last (passed only on retry)",
      "e2e/pages.spec.js > after a hook that fails > never runs",
    ]);
    expect(skipped).toEqual([
      { name: "e2e/pages.spec.js > skips itself", reason: "there is no fuel" },
      {
        name: "e2e/pages.spec.js > after a hook that fails > is not even tried",
        reason: "an earlier hook failed",
      },
    ]);
  });

  it("prints the counts last", () => {
    const skipped = { name: "c", reason: "it is dark" };
    const outcome = merged([
      { passed: 2, failed: ["a"], skipped: [] },
      { passed: 3, failed: ["b"], skipped: [skipped, skipped] },
    ]);
    const lines = summary(outcome);
    expect(lines.at(-1)).toBe("5 passed, 2 failed, 2 skipped");
    expect(lines.join("\n")).toContain("2 because it is dark");
  });
});

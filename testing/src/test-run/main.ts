/**
 * `npm test`: finds or downloads servers, browsers and Python, runs vitest (every project) and Playwright, and prints
 * `N passed, N failed, N skipped` as its last line. Exit code 1 if anything failed.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { liveRequired } from "../live.js";
import { merged, type Outcome, summary } from "./outcome.js";
import { playwrightOutcome } from "./playwright-outcome.js";
import { setUp } from "./set-up.js";
import { OUTCOME_FILE } from "./vitest-reporter.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const require = createRequire(import.meta.url);
const reporter = fileURLToPath(new URL("./vitest-reporter.js", import.meta.url));

/** Runs a package's Node program in the repository's root. @returns how it ended; undefined for exit code 0 */
function runTool(
  packageName: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const path = join(dirname(require.resolve(`${packageName}/package.json`)), program);
  const child = spawn(process.execPath, [path, ...args], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve(code === 0 ? undefined : `ended with ${signal ?? `exit code ${code}`}`),
    );
  });
}

/** The outcome of a runner. A missing report, or an exit code without a failed test, counts as one failure. */
async function outcomeOf(
  name: string,
  ended: string | undefined,
  report: () => Outcome | Promise<Outcome>,
): Promise<Outcome> {
  try {
    const outcome = await report();
    if (ended === undefined || outcome.failed.length > 0) return outcome;
    return { ...outcome, failed: [`${name} ${ended}`] };
  } catch {
    return { passed: 0, failed: [`${name} ${ended ?? "ended"} without a report`], skipped: [] };
  }
}

// In every process the SDK warns that its releases of 2027 will not support Node 20; the pinned one does.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const directory = await mkdtemp(join(tmpdir(), "peekpack-tests-"));
try {
  const { env, absent } = await setUp();
  const vitestFile = join(directory, "vitest.json");
  const vitestEnded = await runTool(
    "vitest",
    "vitest.mjs",
    ["run", "--reporter=default", `--reporter=${reporter}`],
    { ...env, [OUTCOME_FILE]: vitestFile },
  );
  const playwrightFile = join(directory, "playwright.json");
  const playwrightEnded = await runTool("@playwright/test", "cli.js", ["test"], {
    ...env,
    PEEKPACK_PLAYWRIGHT_OUTCOME: playwrightFile,
  });
  const outcome = merged([
    // What is required and absent fails the run, even if no test needs it.
    { passed: 0, failed: liveRequired() ? absent : [], skipped: [] },
    await outcomeOf(
      "vitest",
      vitestEnded,
      async () => JSON.parse(await readFile(vitestFile, "utf8")) as Outcome,
    ),
    await outcomeOf("Playwright", playwrightEnded, () => playwrightOutcome(playwrightFile)),
  ]);
  console.log(`\n${summary(outcome).join("\n")}`);
  process.exitCode = outcome.failed.length === 0 ? 0 : 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}

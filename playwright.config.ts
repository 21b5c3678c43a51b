import { launchOptions, locateBrowser } from "@peekpack/testing/browser";
import { defineConfig } from "@playwright/test";
import type { BrowserChoice } from "./e2e/browser-test.js";

const browser = await locateBrowser();
// Workers load this file too: they reuse the result.
if (browser.absent === undefined && browser.executable !== undefined) {
  process.env.PEEKPACK_BROWSER = browser.executable;
}
const report = process.env.PEEKPACK_PLAYWRIGHT_OUTCOME;

export default defineConfig<object, BrowserChoice>({
  testDir: "e2e",
  testMatch: "**/*.spec.ts",
  outputDir: "test-results",
  // Test files run concurrently with their own S3 servers; most of the time they wait.
  workers: 3,
  timeout: 60_000,
  // A loaded machine may take longer than the five seconds that are the default.
  expect: { timeout: 15_000 },
  forbidOnly: process.env.CI !== undefined,
  reporter: [["list"], ...(report === undefined ? [] : [["json", { outputFile: report }] as const])],
  use: {
    browserName: "chromium",
    browserAbsent: browser.absent,
    launchOptions: launchOptions(browser.absent === undefined ? browser.executable : undefined),
    trace: "off",
  },
});

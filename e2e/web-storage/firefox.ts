import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, launch } from "puppeteer-core";
import { type BrowserUnderTest, tab } from "./tab.js";

/** Options of {@link startFirefox}. */
export interface FirefoxOptions {
  readonly executable: string;
  readonly origin: string;
  /** Makes all windows private. */
  readonly privately?: boolean;
}

/** Starts Firefox with a fresh profile, controlled over WebDriver BiDi. */
export async function startFirefox({
  executable,
  origin,
  privately = false,
}: FirefoxOptions): Promise<BrowserUnderTest> {
  const profile = await mkdtemp(join(tmpdir(), "peekpack-firefox-"));
  const browser: Browser = await launch({
    browser: "firefox",
    executablePath: executable,
    headless: true,
    userDataDir: profile,
    extraPrefsFirefox: {
      "browser.privatebrowsing.autostart": privately,
      "app.update.enabled": false,
      "datareporting.policy.dataSubmissionEnabled": false,
      "toolkit.telemetry.enabled": false,
      // Tests run long scripts.
      "dom.max_script_run_time": 0,
    },
  });
  return {
    async open() {
      const page = await browser.newPage();
      await page.goto(origin);
      await page.waitForFunction(() => "peek" in globalThis);
      return tab(
        (name, args) => page.evaluate((method, given) => peek.call(method, given), name, args),
        () => page.close({ runBeforeUnload: false }),
      );
    },
    async close() {
      await browser.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

import { locateFirefox } from "@peekpack/testing/browser";
import { expect } from "@playwright/test";
import { test } from "../browser-test.js";
import { cacheScenarios } from "./cache-scenarios.js";
import { type Environment, expectedDigest, openEnvironment, skipAsAbsent } from "./environment.js";
import { startFirefox } from "./firefox.js";
import { spoolScenarios } from "./spool-scenarios.js";
import type { BrowserUnderTest } from "./tab.js";

const MiB = 2 ** 20;

let environment: Environment;
let browser: BrowserUnderTest;
let executable: string;

test.beforeAll(async () => {
  const firefox = await locateFirefox();
  if (firefox.absent !== undefined) return skipAsAbsent(`no Firefox: ${firefox.absent}`);
  const opened = await openEnvironment();
  if (opened === undefined) return;
  environment = opened;
  ({ executable } = firefox);
  console.log(`${firefox.version}, over WebDriver BiDi`);
  browser = await startFirefox({ executable, origin: environment.site.origin });
});
test.afterAll(async () => {
  await browser?.close();
  await environment?.close();
});

spoolScenarios(
  () => environment,
  () => browser,
);
cacheScenarios(
  () => environment,
  () => browser,
);

for (const storage of ["opfs", "indexeddb"] as const) {
  test(`64 MiB are spooled in ${storage}`, async () => {
    const tab = await browser.open();
    const path = `${environment.bucket}/${storage}.msglc`;
    await tab.call("write", "job", { target: { path }, rows: 1024, rowBytes: 65_536, spool: { storage } });
    expect((await tab.call("end", "job")).storage).toBe(storage);
    expect(await environment.stored(path)).toEqual(await expectedDigest(1024, 65_536));
    await tab.close();
  });
}

test("in a private window, a test write chooses the storage", async () => {
  const privateBrowser = await startFirefox({ executable, origin: environment.site.origin, privately: true });
  try {
    const tab = await privateBrowser.open();
    const path = `${environment.bucket}/private.msglc`;
    const spool = { partSize: 5 * MiB };
    await tab.call("write", "job", { target: { path }, rows: 200, rowBytes: 65_536, spool });
    const { storage } = await tab.call("end", "job");
    test.info().annotations.push({ type: "storage in a private window", description: String(storage) });
    console.log(`a private window of Firefox stores spools in ${storage}`);
    expect(await environment.stored(path)).toEqual(await expectedDigest(200, 65_536));
  } finally {
    await privateBrowser.close();
  }
});

import { locateFirefox } from "@peekpack/testing/browser";
import { expect } from "@playwright/test";
import { test } from "../browser-test.js";
import { cacheScenarios } from "./cache-scenarios.js";
import { startFirefox } from "./firefox.js";
import { spoolScenarios } from "./spool-scenarios.js";
import type { BrowserUnderTest } from "./tab.js";
import { expectedDigest, openWorld, skipAsAbsent, type World } from "./world.js";

const MiB = 2 ** 20;

let world: World;
let browser: BrowserUnderTest;
let executable: string;

test.beforeAll(async () => {
  const firefox = await locateFirefox();
  if (firefox.absent !== undefined) return skipAsAbsent(`there is no Firefox: ${firefox.absent}`);
  const opened = await openWorld();
  if (opened === undefined) return;
  world = opened;
  ({ executable } = firefox);
  console.log(`${firefox.version}, over WebDriver BiDi`);
  browser = await startFirefox({ executable, origin: world.site.origin });
});
test.afterAll(async () => {
  await browser?.close();
  await world?.close();
});

spoolScenarios(
  () => world,
  () => browser,
);
cacheScenarios(
  () => world,
  () => browser,
);

for (const storage of ["opfs", "indexeddb"] as const) {
  test(`64 MiB go through ${storage}`, async () => {
    const tab = await browser.open();
    const path = `${world.bucket}/${storage}.msgl`;
    await tab.call("write", "job", { target: { path }, rows: 1024, rowBytes: 65_536, spool: { storage } });
    expect((await tab.call("end", "job")).storage).toBe(storage);
    expect(await world.stored(path)).toEqual(await expectedDigest(1024, 65_536));
    await tab.close();
  });
}

test("in a private window, what the browser refuses is found out by writing", async () => {
  const secret = await startFirefox({ executable, origin: world.site.origin, privately: true });
  try {
    const tab = await secret.open();
    const path = `${world.bucket}/private.msgl`;
    const spool = { partSize: 5 * MiB };
    await tab.call("write", "job", { target: { path }, rows: 200, rowBytes: 65_536, spool });
    const { storage } = await tab.call("end", "job");
    test.info().annotations.push({ type: "storage in a private window", description: String(storage) });
    console.log(`a private window of Firefox keeps spools in ${storage}`);
    expect(await world.stored(path)).toEqual(await expectedDigest(200, 65_536));
  } finally {
    await secret.close();
  }
});

import { locateWebKit } from "@peekpack/testing/browser";
import { expect } from "@playwright/test";
import { test } from "../browser-test.js";
import { cacheScenarios } from "./cache-scenarios.js";
import { type Environment, expectedDigest, openEnvironment, skipAsAbsent } from "./environment.js";
import { spoolScenarios } from "./spool-scenarios.js";
import { skipLacking } from "./tab.js";
import { startWebKit, type WebKitOptions, type WebKitUnderTest } from "./webkit.js";

const MiB = 2 ** 20;

let environment: Environment;
let browser: WebKitUnderTest;
let located: WebKitOptions["located"];

test.beforeAll(async () => {
  const found = await locateWebKit();
  // Optional everywhere.
  if (found.absent !== undefined) return skipAsAbsent(`no WebKitGTK: ${found.absent}`, false);
  const opened = await openEnvironment();
  if (opened === undefined) return;
  environment = opened;
  located = found;
  browser = await startWebKit({ located, origin: environment.site.origin });
  console.log(`${browser.version}, over WebDriver`);
  for (const lack of Object.values(browser.lacks)) console.warn(lack);
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
    if (storage === "opfs") skipLacking(browser, "opfs");
    const tab = await browser.open();
    const path = `${environment.bucket}/${storage}.msglc`;
    await tab.call("write", "job", { target: { path }, rows: 1024, rowBytes: 65_536, spool: { storage } });
    expect((await tab.call("end", "job")).storage).toBe(storage);
    expect(await environment.stored(path)).toEqual(await expectedDigest(1024, 65_536));
    await tab.close();
  });
}

test("without OPFS, parts are in IndexedDB, unless storage forbids it", async () => {
  test.skip(browser.lacks.opfs === undefined, `${browser.version} has OPFS`);
  const tab = await browser.open();
  const path = `${environment.bucket}/without-opfs.msglc`;
  const job = { target: { path }, rows: 100, rowBytes: 65_536 };
  await tab.call("write", "job", job);
  expect((await tab.call("end", "job")).storage).toBe("indexeddb");
  expect(await environment.stored(path)).toEqual(await expectedDigest(100, 65_536));
  await tab.call("write", "forced", { ...job, spool: { storage: "opfs" } });
  await expect(tab.call("end", "forced")).rejects.toMatchObject({ code: "denied" });
  await tab.close();
});

test("with OPFS enabled, a test write chooses the storage", async () => {
  const features = [
    "StorageAPI",
    "StorageAPIEstimate",
    "FileSystem",
    "FileSystemWritableStream",
    "AccessHandle",
  ];
  const other = await startWebKit({ located, origin: environment.site.origin, features });
  try {
    const tab = await other.open();
    const path = `${environment.bucket}/switched-on.msglc`;
    await tab.call("write", "job", { target: { path }, rows: 100, rowBytes: 65_536 });
    const { storage } = await tab.call("end", "job");
    console.log(`with ${features.join(", ")}, ${other.version} stores spools in ${storage}`);
    for (const lack of Object.values(other.lacks)) console.warn(lack);
    expect(storage).toBe(other.lacks.opfs === undefined ? "opfs" : "indexeddb");
    expect(await environment.stored(path)).toEqual(await expectedDigest(100, 65_536));
  } finally {
    await other.close();
  }
});

test("an upload is resumed after a restart of the browser", async () => {
  const directory = "restart";
  const target = { path: `${environment.bucket}/${directory}.msglc` };
  const first = await browser.open();
  const hold = { request: "UploadPart 2", when: "before" } as const;
  const spool = { directory, partSize: 5 * MiB };
  await first.call("write", "job", { target: { ...target, hold }, rows: 180, rowBytes: 65_536, spool });
  await first.call("held", "job");
  await browser.restart();
  const second = await browser.open();
  const [pending] = await second.call("pending", directory);
  test.skip(pending === undefined, `${browser.version} keeps no data between automation sessions`);
  await second.call("resume", "job", pending!, target);
  await second.call("end", "job");
  expect(await environment.stored(target.path)).toEqual(await expectedDigest(180, 65_536));
  await second.close();
});

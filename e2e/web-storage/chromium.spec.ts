import { encodeArchive, openArchive } from "@peekpack/core";
import { toTagged } from "@peekpack/core/tagged";
import { s3Store } from "@peekpack/s3";
import { livePython, skippedAsAbsent, startPeer } from "@peekpack/testing";
import { expect } from "@playwright/test";
import { test } from "../browser-test.js";
import { cacheScenarios } from "./cache-scenarios.js";
import { type ChromiumUnderTest, memoryOf, startChromium } from "./chromium.js";
import { type Environment, expectedDigest, openEnvironment, skipAsAbsent } from "./environment.js";
import { row } from "./rows.js";
import { spoolScenarios } from "./spool-scenarios.js";

const MiB = 2 ** 20;

let environment: Environment;
let browser: ChromiumUnderTest;

test.beforeAll(async ({ browserAbsent }) => {
  if (browserAbsent !== undefined) return skipAsAbsent(`no browser: ${browserAbsent}`);
  const opened = await openEnvironment();
  if (opened === undefined) return;
  environment = opened;
  browser = await startChromium(environment.site.origin);
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
  test(`256 MiB are spooled in ${storage} with a few parts in memory, and the live msglc reads them`, async () => {
    test.setTimeout(180_000);
    const tab = await browser.open();
    const path = `${environment.bucket}/${storage}.msglc`;
    const count = 4096;
    const spool = { storage, partSize: 8 * MiB, concurrency: 3 };
    await tab.call("write", "job", { target: { path }, rows: count, rowBytes: 65_536, spool });
    // A worker writes to OPFS.
    const workers = storage === "opfs" ? 1 : 0;
    await expect.poll(() => tab.page.workers().length).toBe(workers);
    const memory = await memoryOf(browser, tab, () => tab.call("end", "job"));
    test.info().annotations.push({ type: "memory", description: JSON.stringify(memory) });
    // Three parts in transfer with the copies of the network stack: far below the 256 MiB of the archive.
    expect(memory.heap).toBeLessThan(32 * MiB);
    expect(memory.resident).toBeLessThan(224 * MiB);
    const report = await tab.call("end", "job");
    expect(report.storage).toBe(storage);
    expect(await environment.stored(path)).toEqual(await expectedDigest(count, 65_536));
    expect(await tab.call("storedData", "peekpack-spool")).toEqual({ files: {}, records: {} });
    await tab.close();

    const { data } = row(1234, 65_536);
    const archive = await openArchive(s3Store(environment.server).source(path));
    expect(await archive.read("rows/1234/data")).toEqual(data);
    const live = await livePython();
    if (skippedAsAbsent("reading the archive of the page with the live msglc", live.absent)) return;
    const peer = await startPeer(environment.server);
    try {
      const [row] = await peer.read({ source: { s3: path }, paths: ["rows/1234"] });
      expect(row).toEqual({ value: toTagged({ i: 1234, data }) });
    } finally {
      await peer.close();
    }
  });

  test(`a full disk rejects with quota, and keeps other spools in ${storage}`, async () => {
    // A fresh profile: IndexedDB frees the room of removed data late.
    const fresh = await startChromium(environment.site.origin);
    const tab = await fresh.open();
    const directory = `full-${storage}`;
    const spool = { storage, directory, partSize: 5 * MiB, durable: true };
    const kept = { path: `${environment.bucket}/${directory}/kept.msglc` };
    const hold = { request: "CreateMultipartUpload", when: "before" } as const;
    // Before the first write: Chromium caches the quota of IndexedDB for half a minute.
    const protocol = await tab.protocol();
    const { origin } = environment.site;
    await protocol.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 20 * MiB });
    await tab.call("write", "kept", { target: { ...kept, hold }, rows: 100, rowBytes: 65_536, spool });
    await tab.call("held", "kept");
    await tab.call("abort", "kept");
    await tab.call("end", "kept").catch(() => {});
    const before = await tab.call("storedData", directory);

    const more = {
      target: { path: `${environment.bucket}/${directory}/more.msglc` },
      rows: 1000,
      rowBytes: 65_536,
    };
    await tab.call("write", "more", { ...more, spool });
    await expect(tab.call("end", "more")).rejects.toMatchObject({ code: "quota" });
    expect(await tab.call("storedData", directory)).toEqual(before);
    // Chromium does not report the quota that it enforces. The estimate of browsers that do is checked before any write.
    await tab.call("setFreeBytes", 70 * MiB);
    await tab.call("write", "announced", { ...more, spool: { ...spool, expectedSize: 80 * MiB } });
    await expect(tab.call("end", "announced")).rejects.toMatchObject({ code: "quota" });
    await tab.call("setFreeBytes", MiB);
    await tab.call("write", "unannounced", { ...more, spool });
    await expect(tab.call("end", "unannounced")).rejects.toMatchObject({ code: "quota" });
    await protocol.send("Storage.overrideQuotaForOrigin", { origin });

    expect(await tab.call("storedData", directory)).toEqual(before);
    const [pending] = await tab.call("pending", directory);
    expect(pending).toMatchObject({ state: "sealed", active: false });
    await tab.call("resume", "kept", pending!, kept);
    await tab.call("end", "kept");
    expect(await environment.stored(kept.path)).toEqual(await expectedDigest(100, 65_536));
    await fresh.close();
  });

  test(`an upload from ${storage} is resumed after the browser has crashed`, async () => {
    const directory = `crash-${storage}`;
    const target = { path: `${environment.bucket}/${directory}/archive.msglc` };
    const first = await browser.open();
    const hold = { request: "UploadPart 3", when: "before" } as const;
    const spool = { storage, directory, partSize: 5 * MiB };
    await first.call("write", "job", { target: { ...target, hold }, rows: 330, rowBytes: 65_536, spool });
    await first.call("held", "job");
    await browser.crash();
    const second = await browser.open();
    const [pending] = await second.call("pending", directory);
    expect(pending).toMatchObject({ state: "uploading", active: false });
    await second.call("resume", "job", pending!, target);
    await second.call("end", "job");
    expect(await environment.stored(target.path)).toEqual(await expectedDigest(330, 65_536));
    expect(await second.call("storedData", directory)).toEqual({ files: {}, records: {} });
    await second.close();
  });
}

test("an upload waits while the browser is offline", async () => {
  const tab = await browser.open();
  const path = `${environment.bucket}/offline/archive.msglc`;
  const spool = { directory: "offline", partSize: 5 * MiB, concurrency: 1 };
  await tab.call("write", "job", { target: { path }, rows: 500, rowBytes: 65_536, spool });
  await expect.poll(async () => (await tab.call("progress", "job"))?.parts.uploaded ?? 0).toBeGreaterThan(0);
  await browser.context.setOffline(true);
  // Longer than the retries of a request.
  await tab.page.waitForTimeout(4000);
  const { parts } = (await tab.call("progress", "job"))!;
  expect(parts.uploaded).toBeLessThan(parts.total!);
  await browser.context.setOffline(false);
  expect((await tab.call("end", "job")).phases.at(-1)).toBe("done");
  expect(await environment.stored(path)).toEqual(await expectedDigest(500, 65_536));
  await tab.close();
});

test("progress counts bytes in transfer, not only complete parts", async () => {
  const tab = await browser.open();
  const path = `${environment.bucket}/progress/archive.msglc`;
  const spool = { directory: "progress", partSize: 5 * MiB, concurrency: 1 };
  const protocol = await tab.protocol();
  const conditions = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 8 * MiB };
  await protocol.send("Network.enable");
  await protocol.send("Network.emulateNetworkConditions", conditions);
  await tab.call("write", "job", { target: { path }, rows: 200, rowBytes: 65_536, spool });
  expect((await tab.call("end", "job")).betweenParts).toBeGreaterThan(3);
  expect(await environment.stored(path)).toEqual(await expectedDigest(200, 65_536));
  await tab.close();
});

test("the page reads its quota and asks the browser to persist its data", async () => {
  const tab = await browser.open();
  const quota = (await tab.call("quota"))!;
  expect(quota.quota).toBeGreaterThan(100 * MiB);
  expect(quota.free).toBe(quota.quota - quota.used);
  expect(typeof (await tab.call("persist"))).toBe("boolean");
  await tab.close();
});

test("a page that uploads does not load the AWS SDK", async () => {
  const tab = await browser.open();
  const { endpoint, region, credentials } = environment.server;
  const signed = { endpoint, region, credentials };
  for (const [name, target] of Object.entries({
    signed: { path: `${environment.bucket}/sdk/signed.msglc`, signed },
    presigned: { path: `${environment.bucket}/sdk/presigned.msglc` },
  })) {
    await tab.call("write", name, { target, rows: 3, rowBytes: 1000, spool: { directory: "sdk" } });
    await tab.call("end", name);
  }
  const loaded = await tab.page.evaluate(() =>
    performance.getEntriesByType("resource").map(({ name }) => name),
  );
  const scripts = loaded.filter((name) => name.startsWith(environment.site.origin) && name.endsWith(".js"));
  expect(scripts.length).toBeGreaterThan(1);
  for (const script of scripts) {
    const text = await (await fetch(script)).text();
    expect(text).not.toContain("aws-sdk-js");
  }
  await tab.close();
});

for (const script of ["archive-worker", "archive-service"]) {
  test(`reading in a worker rejects with network if ${script} cannot be loaded, and loads it on the next try`, async () => {
    const path = `${environment.bucket}/missing-${script}.msglc`;
    const store = s3Store(environment.server);
    await store
      .target(path)
      .putObject(encodeArchive({ rows: Array.from({ length: 200 }, (_, i) => ({ i })) }));
    const url = await store.presign(path);
    const tab = await browser.open();
    const pattern = new RegExp(`/${script}[^/]*\\.js`);
    await browser.context.route(pattern, (route) => route.abort());
    await expect(tab.call("readInWorker", url, ["rows/7"])).rejects.toMatchObject({ code: "network" });
    await browser.context.unroute(pattern);
    expect((await tab.call("readInWorker", url, ["rows/7"])).values).toEqual([{ i: 7 }]);
    await tab.close();
  });
}

test("parts are written by streams if the script of the spool worker cannot be loaded", async () => {
  const tab = await browser.open();
  const path = `${environment.bucket}/missing-opfs-worker.msglc`;
  const pattern = /\/opfs-worker[^/]*\.js/;
  let refused = 0;
  await browser.context.route(pattern, (route) => {
    refused++;
    return route.abort();
  });
  const spool = { directory: "missing-opfs-worker", partSize: 5 * MiB };
  await tab.call("write", "job", { target: { path }, rows: 100, rowBytes: 65_536, spool });
  expect((await tab.call("end", "job")).storage).toBe("opfs");
  expect(refused).toBe(1);
  await browser.context.unroute(pattern);
  expect(await environment.stored(path)).toEqual(await expectedDigest(100, 65_536));
  await tab.close();
});

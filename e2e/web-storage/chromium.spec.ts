import { openArchive } from "@peekpack/core";
import { toTagged } from "@peekpack/core/tagged";
import { s3Store } from "@peekpack/s3";
import { livePython, skippedAsAbsent, startPeer } from "@peekpack/testing";
import { expect } from "@playwright/test";
import { test } from "../browser-test.js";
import { cacheScenarios } from "./cache-scenarios.js";
import { type ChromiumUnderTest, memoryOf, startChromium } from "./chromium.js";
import { row } from "./rows.js";
import { spoolScenarios } from "./spool-scenarios.js";
import { expectedDigest, openWorld, skipAsAbsent, type World } from "./world.js";

const MiB = 2 ** 20;

let world: World;
let browser: ChromiumUnderTest;

test.beforeAll(async ({ browserAbsent }) => {
  if (browserAbsent !== undefined) return skipAsAbsent(`there is no browser: ${browserAbsent}`);
  const opened = await openWorld();
  if (opened === undefined) return;
  world = opened;
  browser = await startChromium(world.site.origin);
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
  test(`256 MiB go through ${storage} with a few parts in memory, and the live msglc reads them`, async () => {
    test.setTimeout(180_000);
    const tab = await browser.open();
    const path = `${world.bucket}/${storage}.msgl`;
    const count = 4096;
    const spool = { storage, partSize: 8 * MiB, concurrency: 3 };
    await tab.call("write", "job", { target: { path }, rows: count, rowBytes: 65_536, spool });
    // Where OPFS is written to, that is in a worker.
    const workers = storage === "opfs" ? 1 : 0;
    await expect.poll(() => tab.page.workers().length).toBe(workers);
    const memory = await memoryOf(browser, tab, () => tab.call("end", "job"));
    test.info().annotations.push({ type: "memory", description: JSON.stringify(memory) });
    // Three parts under way, each with the copies that are on their way to the network; far below the archive's 256 MiB.
    expect(memory.heap).toBeLessThan(32 * MiB);
    expect(memory.resident).toBeLessThan(224 * MiB);
    const report = await tab.call("end", "job");
    expect(report.storage).toBe(storage);
    expect(await world.stored(path)).toEqual(await expectedDigest(count, 65_536));
    expect(await tab.call("kept", "peekpack-spool")).toEqual({ files: {}, records: {} });
    await tab.close();

    const { data } = row(1234, 65_536);
    const archive = await openArchive(s3Store(world.server).source(path));
    expect(await archive.read("rows/1234/data")).toEqual(data);
    const live = await livePython();
    if (skippedAsAbsent("reading what the page wrote with the live msglc", live.absent)) return;
    const peer = await startPeer(world.server);
    try {
      const [row] = await peer.read({ source: { s3: path }, paths: ["rows/1234"] });
      expect(row).toEqual({ value: toTagged({ i: 1234, data }) });
    } finally {
      await peer.close();
    }
  });

  test(`a full disk fails with quota, and leaves other spools in ${storage} intact`, async () => {
    // In a profile of its own: what IndexedDB has removed counts until it finds the time to tidy up.
    const fresh = await startChromium(world.site.origin);
    const tab = await fresh.open();
    const directory = `full-${storage}`;
    const spool = { storage, directory, partSize: 5 * MiB };
    const kept = { path: `${world.bucket}/${directory}/kept.msgl` };
    const hold = { request: "CreateMultipartUpload", when: "before" } as const;
    // Before anything is written, as Chromium remembers for half a minute what IndexedDB may take.
    const protocol = await tab.protocol();
    const { origin } = world.site;
    await protocol.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 20 * MiB });
    await tab.call("write", "kept", { target: { ...kept, hold }, rows: 100, rowBytes: 65_536, spool });
    await tab.call("held", "kept");
    await tab.call("abort", "kept");
    await tab.call("end", "kept").catch(() => {});
    const before = await tab.call("kept", directory);

    const more = { target: { path: `${world.bucket}/${directory}/more.msgl` }, rows: 1000, rowBytes: 65_536 };
    await tab.call("write", "more", { ...more, spool });
    await expect(tab.call("end", "more")).rejects.toMatchObject({ code: "quota" });
    expect(await tab.call("kept", directory)).toEqual(before);
    // Chromium does not say how full it is, but browsers that do are believed before anything is written.
    await tab.call("sayRoom", 70 * MiB);
    await tab.call("write", "announced", { ...more, spool: { ...spool, expectedSize: 80 * MiB } });
    await expect(tab.call("end", "announced")).rejects.toMatchObject({ code: "quota" });
    await tab.call("sayRoom", MiB);
    await tab.call("write", "unannounced", { ...more, spool });
    await expect(tab.call("end", "unannounced")).rejects.toMatchObject({ code: "quota" });
    await protocol.send("Storage.overrideQuotaForOrigin", { origin });

    expect(await tab.call("kept", directory)).toEqual(before);
    const [pending] = await tab.call("pending", directory);
    expect(pending).toMatchObject({ state: "sealed", active: false });
    await tab.call("resume", "kept", pending!, kept);
    await tab.call("end", "kept");
    expect(await world.stored(kept.path)).toEqual(await expectedDigest(100, 65_536));
    await fresh.close();
  });

  test(`a browser that crashes while it uploads from ${storage} goes on when it is started again`, async () => {
    const directory = `crash-${storage}`;
    const target = { path: `${world.bucket}/${directory}/archive.msgl` };
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
    expect(await world.stored(target.path)).toEqual(await expectedDigest(330, 65_536));
    expect(await second.call("kept", directory)).toEqual({ files: {}, records: {} });
    await second.close();
  });
}

test("an upload waits while the browser is offline, and goes on when it is back", async () => {
  const tab = await browser.open();
  const path = `${world.bucket}/offline/archive.msgl`;
  const spool = { directory: "offline", partSize: 5 * MiB, concurrency: 1 };
  await tab.call("write", "job", { target: { path }, rows: 500, rowBytes: 65_536, spool });
  await expect.poll(async () => (await tab.call("progress", "job"))?.parts.uploaded ?? 0).toBeGreaterThan(0);
  await browser.context.setOffline(true);
  // Longer than a request is tried again without waiting for the line.
  await tab.page.waitForTimeout(4000);
  const { parts } = (await tab.call("progress", "job"))!;
  expect(parts.uploaded).toBeLessThan(parts.total!);
  await browser.context.setOffline(false);
  expect((await tab.call("end", "job")).phases.at(-1)).toBe("done");
  expect(await world.stored(path)).toEqual(await expectedDigest(500, 65_536));
  await tab.close();
});

test("progress counts the bytes that have left, not only whole parts", async () => {
  const tab = await browser.open();
  const path = `${world.bucket}/progress/archive.msgl`;
  const spool = { directory: "progress", partSize: 5 * MiB, concurrency: 1 };
  const protocol = await tab.protocol();
  const line = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 8 * MiB };
  await protocol.send("Network.enable");
  await protocol.send("Network.emulateNetworkConditions", line);
  await tab.call("write", "job", { target: { path }, rows: 200, rowBytes: 65_536, spool });
  expect((await tab.call("end", "job")).betweenParts).toBeGreaterThan(3);
  expect(await world.stored(path)).toEqual(await expectedDigest(200, 65_536));
  await tab.close();
});

test("the page asks the browser to keep its data, and is told what room there is", async () => {
  const tab = await browser.open();
  const room = (await tab.call("room"))!;
  expect(room.quota).toBeGreaterThan(100 * MiB);
  expect(room.free).toBe(room.quota - room.used);
  expect(typeof (await tab.call("persist"))).toBe("boolean");
  await tab.close();
});

test("a page that uploads loads nothing of the AWS SDK", async () => {
  const tab = await browser.open();
  const { endpoint, region, credentials } = world.server;
  const signed = { endpoint, region, credentials };
  for (const [name, target] of Object.entries({
    signed: { path: `${world.bucket}/sdk/signed.msgl`, signed },
    presigned: { path: `${world.bucket}/sdk/presigned.msgl` },
  })) {
    await tab.call("write", name, { target, rows: 3, rowBytes: 1000, spool: { directory: "sdk" } });
    await tab.call("end", name);
  }
  const loaded = await tab.page.evaluate(() =>
    performance.getEntriesByType("resource").map(({ name }) => name),
  );
  const scripts = loaded.filter((name) => name.startsWith(world.site.origin) && name.endsWith(".js"));
  expect(scripts.length).toBeGreaterThan(1);
  for (const script of scripts) {
    const text = await (await fetch(script)).text();
    expect(text).not.toContain("aws-sdk-js");
  }
  await tab.close();
});

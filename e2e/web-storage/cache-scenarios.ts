import { encodeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { expect } from "@playwright/test";
import { test } from "../browser-test.js";
import { type Environment, expectedDigest } from "./environment.js";
import { type BrowserUnderTest, skipLacking } from "./tab.js";

const MiB = 2 ** 20;

const COUNT = 2000;

/** Long enough that an archive of many rows exceeds the first request. */
function row(i: number): { i: number; name: string; text: string } {
  return { i, name: `row ${i}`, text: `${i} `.repeat(100) };
}

/** Tests of caches and workers for any browser, under a policy without eval. */
export function cacheScenarios(environment: () => Environment, browser: () => BrowserUnderTest): void {
  let count = 0;

  /** Stores an archive, and presigns a URL to read it. */
  const stored = async (codec: "msgpack" | "cbor", path?: string): Promise<{ path: string; url: string }> => {
    const at = path ?? `${environment().bucket}/cache-${++count}.msglc`;
    const store = s3Store(environment().server);
    const value = { rows: Array.from({ length: COUNT }, (_, i) => row(i)) };
    await store.target(at).putObject(encodeArchive(value, { codec, smallObjectThreshold: 100 }));
    return { path: at, url: await store.presign(at) };
  };
  for (const codec of ["msgpack", "cbor"] as const) {
    test(`a second visit to an archive in ${codec} requests only its version, and a third is served offline`, async () => {
      const { url } = await stored(codec);
      const cache = { directory: `visits-${codec}` };
      const job = { url, paths: ["rows/5", "rows/1700"], cache };
      const first = await browser().open();
      const { values, requests } = await first.call("read", job);
      expect(values).toEqual([row(5), row(1700)]);
      expect(requests.open).toBeGreaterThan(0);
      await first.close();

      const second = await browser().open();
      const again = await second.call("read", job);
      expect(again.values).toEqual(values);
      expect(again.requests).toEqual({ open: 1, more: 0 });
      expect(again.bytes).toBeLessThanOrEqual(1);
      // A URL that is signed again names the same object.
      const renewed = await second.call("read", { ...job, url: `${url}&again=1`, offline: true });
      expect(renewed.values).toEqual(values);
      expect(renewed.requests).toEqual({ open: 0, more: 0 });
      await expect(second.call("read", { ...job, paths: ["rows/900"], offline: true })).rejects.toMatchObject(
        {
          code: "network",
        },
      );
      const trusted = await second.call("read", { ...job, revalidate: false });
      expect(trusted.requests).toEqual({ open: 0, more: 0 });
      await second.close();
    });
  }

  test("a replaced object is read again", async () => {
    const { path, url } = await stored("msgpack");
    const cache = { directory: "replaced" };
    const tab = await browser().open();
    await tab.call("read", { url, paths: ["rows/5"], cache });
    await s3Store(environment().server)
      .target(path)
      .putObject(encodeArchive({ rows: ["other"] }));
    expect((await tab.call("read", { url, paths: ["rows/0"], cache })).values).toEqual(["other"]);
    expect((await tab.call("read", { url, paths: ["rows/0"], cache, offline: true })).values).toEqual([
      "other",
    ]);
    await tab.close();
  });

  test("tabs and workers share a cache, which stays within maxBytes", async () => {
    const { url } = await stored("msgpack");
    const cache = { directory: "shared", maxBytes: MiB / 2 };
    const tabs = [await browser().open(), await browser().open()];
    const reads = tabs.map(async (tab, t) => {
      for (let i = 0; i < 12; i++) {
        const n = (i * 97 + t * 31) % COUNT;
        const { values } = await tab.call("read", { url, paths: [`rows/${n}`], cache });
        expect(values).toEqual([row(n)]);
      }
    });
    await Promise.all(reads);
    expect(await tabs[0]!.call("cacheSize", cache)).toBeLessThanOrEqual(cache.maxBytes);
    const roomy = { directory: "from-a-worker" };
    const { values } = await tabs[0]!.call("readInWorker", url, ["rows/7"], { cache: roomy });
    expect(values).toEqual([row(7)]);
    const job = { url, paths: ["rows/7"], cache: roomy, offline: true };
    expect((await tabs[1]!.call("read", job)).values).toEqual([row(7)]);
    for (const tab of tabs) await tab.close();
  });

  test("a worker reads, decodes, aborts and rejects like a page", async () => {
    const { url } = await stored("msgpack");
    const tab = await browser().open();
    const { values, selected, reason, code } = await tab.call("readInWorker", url, ["rows/3", "rows/4/name"]);
    expect(values).toEqual([row(3), "row 4"]);
    expect(selected).toBe(100);
    expect(reason).toBe("the test aborts");
    expect(code).toBe("bad-path");
    await tab.close();
  });

  test("a page writes through store.sink without a spool", async () => {
    const tab = await browser().open();
    const { endpoint, region, credentials } = environment().server;
    const path = `${environment().bucket}/direct.msglc`;
    const expected = await expectedDigest(200, 65_536);
    const size = await tab.call("writeDirectly", { endpoint, region, credentials }, path, 200, 65_536);
    expect(size).toBe(expected.size);
    expect(await environment().stored(path)).toEqual(expected);
    await tab.close();
  });

  test("a service worker spools, uploads and reads", async () => {
    skipLacking(browser(), "serviceWorkers");
    const tab = await browser().open();
    const path = `${environment().bucket}/service.msglc`;
    const url = await s3Store(environment().server).presign(path);
    const job = { path, url, rows: 100, rowBytes: 65_536 };
    const { size, storage, last } = await tab.call("inServiceWorker", job);
    const expected = await expectedDigest(100, 65_536);
    expect(size).toBe(expected.size);
    expect(storage).toBe(browser().lacks?.opfs === undefined ? "opfs" : "indexeddb");
    expect(await environment().stored(path)).toEqual(expected);
    expect((last as { i: number }).i).toBe(99);
    await tab.close();
  });
}

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { openArchive, type Value, writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { roundTrips, setCors } from "@peekpack/testing";
import { zstdSink, zstdSource } from "@peekpack/zstd";
import { expect } from "@playwright/test";
import { needBrowser, onEachServer, test, watchTraffic } from "../browser-test.js";
import { type ServedPage, servePage } from "../served-page.js";
import type { Leaf } from "./page/main.js";

const KiB = 1024;
const LEAF = "css/properties/clip-path/border-box/__compat/support/chrome_android";

async function compatData(): Promise<Value> {
  const file = createRequire(import.meta.url).resolve("@mdn/browser-compat-data");
  return JSON.parse(await readFile(file, "utf8")) as Value;
}

onEachServer((place) => {
  let served: ServedPage | undefined;
  let path: string;
  let data: Value;
  test.beforeAll(async () => {
    const { server, bucket } = place();
    served = await servePage("zstd/page");
    await setCors(server, bucket, [served.origin]);
    path = `${bucket}/browser-compat-data.msglc.zst`;
    data = await compatData();
    await writeArchive(zstdSink(s3Store(server).sink(path)), data, { pageIndex: true });
  });
  test.afterAll(() => served?.close());

  test("a page reads a leaf of a compressed archive of 17 MB with at most 48 KiB and three round trips", async ({
    page,
  }) => {
    await page.goto(served!.origin);
    const traffic = await watchTraffic(page, new URL(place().server.endpoint).origin);
    const url = await s3Store(place().server).presign(path);
    const read: Leaf = await page.evaluate(([url, leaf]) => window.zstd.readLeaf(url, leaf), [
      url,
      LEAF,
    ] as const);
    const expected = LEAF.split("/").reduce((at, key) => (at as { [key: string]: Value })[key]!, data);
    expect(read.value).toEqual(expected);
    expect(roundTrips(read.events)).toBeLessThanOrEqual(3);
    const bytes = await traffic.bodyBytes();
    console.log(
      `${bytes} bytes, ${traffic.requests.length} requests, ${roundTrips(read.events)} round trips`,
    );
    expect(bytes).toBeLessThanOrEqual(48 * KiB);
    expect(read.stats.bytes).toBe(bytes);
  });

  test("a page writes a compressed archive while it produces it", async ({ page }) => {
    const { server, bucket } = place();
    await page.goto(served!.origin);
    const { endpoint, region, credentials } = server;
    const written = `${bucket}/from-a-page`;
    const { row } = await page.evaluate(([access, path]) => window.zstd.writeRows(access, path, 3000), [
      { endpoint, region, credentials, forcePathStyle: true },
      written,
    ] as const);
    expect(row).toEqual({ id: 2999, text: "row 2999 ".repeat(200) });
    const archive = await openArchive(zstdSource(s3Store(server).source(written)));
    expect(await archive.read("17/id")).toBe(17);
    await archive.close();
  });
});

test("a page compresses the same in workers, in itself, and where a worker cannot be loaded", async ({
  page,
  browserAbsent,
}) => {
  needBrowser(browserAbsent);
  const served = await servePage("zstd/page");
  try {
    const workers: string[] = [];
    page.on("worker", (worker) => workers.push(worker.url()));
    await page.goto(served.origin);
    expect(await page.evaluate(() => window.zstd.writeEverywhere())).toEqual([true, true, true, true]);
    expect(workers.some((url) => url.includes("compression-worker"))).toBe(true);
  } finally {
    await served.close();
  }
});

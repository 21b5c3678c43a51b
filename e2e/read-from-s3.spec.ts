import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { encodeArchive, type Value } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { roundTrips, setCors } from "@peekpack/testing";
import { expect, type Page } from "@playwright/test";
import { onEachServer, test, watchTraffic } from "./browser-test.js";
import type { ArchiveLocation } from "./reader-page/main.js";
import { type ServedPage, servePage } from "./served-page.js";

const KiB = 1024;
/** A value near the start, within the first request, and one from the middle. */
const LEAVES = [
  "api/AbortController/abort/__compat/support/chrome",
  "css/properties/clip-path/border-box/__compat/support/chrome_android",
];

async function compatData(): Promise<Value> {
  const file = createRequire(import.meta.url).resolve("@mdn/browser-compat-data");
  return JSON.parse(await readFile(file, "utf8")) as Value;
}

const valueAt = (value: Value, path: string): Value =>
  path.split("/").reduce((at, key) => (at as { [key: string]: Value })[key]!, value);

onEachServer((place) => {
  let served: ServedPage | undefined;
  let path: string;
  let data: Value;
  test.beforeAll(async () => {
    const { server, bucket } = place();
    served = await servePage("reader-page");
    await setCors(server, bucket, [served.origin]);
    path = `${bucket}/browser-compat-data.msglc`;
    data = await compatData();
    await s3Store(server).target(path).putObject(encodeArchive(data));
  });
  test.afterAll(() => served?.close());

  /** Reads a leaf in a new page. The traffic seen by the browser must agree with the statistics of the archive. */
  async function readsTheLeaf(page: Page, from: ArchiveLocation, leaf: string): Promise<void> {
    await page.goto(served!.origin);
    const traffic = await watchTraffic(page, new URL(place().server.endpoint).origin);
    const read = await page.evaluate(([from, leaf]) => window.readLeaf(from, leaf), [from, leaf] as const);
    expect(read.value).toEqual(valueAt(data, leaf));

    const responses = await Promise.all(traffic.requests.map((request) => request.response()));
    expect(traffic.requests.map((request) => request.method())).toEqual(responses.map(() => "GET"));
    expect(responses.map((response) => response?.status())).toEqual(responses.map(() => 206));
    // Head, short and long tail at once, then the value.
    expect(traffic.requests.length).toBeLessThanOrEqual(4);
    expect(read.stats.requests).toBe(traffic.requests.length);
    // From a URL alone, the tail is requested once the size is known: a suffix range would cost a preflight, also a round
    // trip.
    expect(roundTrips(read.events)).toBeLessThanOrEqual("url" in from ? 3 : 2);

    const bytes = await traffic.bodyBytes();
    expect(bytes).toBeLessThanOrEqual(640 * KiB);
    expect(read.stats.bytes).toBe(bytes);
    expect(traffic.preflights.length).toBeLessThanOrEqual("url" in from ? 0 : traffic.requests.length);
  }

  for (const leaf of LEAVES) {
    test(`a page reads ${leaf} with requests that it signs`, async ({ page }) => {
      const { endpoint, region, credentials } = place().server;
      await readsTheLeaf(page, { endpoint, region, credentials, path }, leaf);
    });

    test(`a page reads ${leaf} from a presigned URL`, async ({ page }) => {
      await readsTheLeaf(page, { url: await s3Store(place().server).presign(path) }, leaf);
    });
  }
});

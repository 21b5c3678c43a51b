import { mapOf, writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { roundTrips, setCors } from "@peekpack/testing";
import { expect } from "@playwright/test";
import { onEachServer, test } from "./browser-test.js";
import { type ServedPage, servePage } from "./served-page.js";

const MiB = 1024 * 1024;
/** With PEEKPACK_LONG=1 the archive is as large as the promise says. */
const LONG = process.env.PEEKPACK_LONG === "1";
const ENTRIES = LONG ? 1_000_000 : 60_000;
/** Bytes of an entry: 1 GiB in all, or 64 MiB. */
const ENTRY = 1024;
const MAX_BYTES = 200_000;

/** A map of entries, each with a number and a text that fills it. */
function* entries(): Generator<[string, unknown]> {
  const text = "x".repeat(ENTRY - 30);
  for (let i = 0; i < ENTRIES; i++) yield [`entry ${i}`, { energy: i / 7, text }];
}

const rustfs = ["rustfs"] as const;
onEachServer((place) => {
  let served: ServedPage | undefined;
  let path: string;
  test.beforeAll(async () => {
    test.setTimeout(LONG ? 900_000 : 120_000);
    const { server, bucket } = place();
    served = await servePage("reader-page");
    await setCors(server, bucket, [served.origin]);
    path = `${bucket}/large.msglc`;
    const options = { smallObjectThreshold: 512, pageIndex: true } as const;
    await writeArchive(s3Store(server).sink(path, { partSize: 16 * MiB }), mapOf(entries()), options);
  });
  test.afterAll(() => served?.close());

  test(`a page that reads one number of ${ENTRIES} entries loads at most ${MAX_BYTES} bytes, its code included`, async ({
    page,
  }) => {
    const { server } = place();
    // What arrived, of aborted requests as well.
    let bytes = 0;
    const protocol = await page.context().newCDPSession(page);
    protocol.on("Network.dataReceived", ({ dataLength }) => {
      bytes += dataLength;
    });
    await protocol.send("Network.enable");
    await page.goto(served!.origin);
    const at = Math.floor(ENTRIES * 0.7);
    // A presigned URL: no long tail is asked for, whose abort takes effect sooner or later.
    const location = { url: await s3Store(server).presign(path) };
    const read = await page.evaluate(([from, leaf]) => window.readLeaf(from, leaf), [
      location,
      `entry ${at}/energy`,
    ] as const);
    expect(read.value).toBe(at / 7);
    // The tail is asked for after the head.
    expect(roundTrips(read.events)).toBeLessThanOrEqual(5);
    test.info().annotations.push({ type: "loaded", description: `${bytes} bytes` });
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(MAX_BYTES);
  });
}, rustfs);

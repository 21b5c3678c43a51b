import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import {
  type Archive,
  combineArchives,
  encodeArchive,
  memorySink,
  type OpenOptions,
  openArchive,
  type RequestEvent,
  slice,
  type Value,
} from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FaultProxy, startFaultProxy } from "../src/faults/proxy.js";
import { randomNumbers } from "../src/faults/rules.js";
import { skippedAsAbsent } from "../src/live.js";
import { roundTrips } from "../src/round-trips.js";
import { freshBucket, s3Client } from "../src/s3/client.js";
import { type S3Server, type S3ServerKind, startS3 } from "../src/s3/launcher.js";
import { locateS3 } from "../src/s3/locate.js";

const KiB = 1024;
/** Latency of each request: it makes sequential requests distinguishable from concurrent ones. */
const LATENCY_MS = 50;
/** A value from the middle of the archive of browser-compat-data. */
const LEAF = ["css", "properties", "clip-path", "border-box", "__compat", "support", "chrome_android"];

const compatData = JSON.parse(
  await readFile(createRequire(import.meta.url).resolve("@mdn/browser-compat-data"), "utf8"),
) as Value;
const compat = encodeArchive(compatData);

const at = (value: Value, path: readonly (string | number)[]): Value =>
  path.reduce((inner, key) => (inner as { [key: string]: Value })[key]!, value);

/** The paths of all maps in a document. */
function* maps(value: Value, path: string[] = []): Generator<string[]> {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return;
  yield path;
  for (const [key, inner] of Object.entries(value)) yield* maps(inner as Value, [...path, key]);
}
const everyMap = [...maps(compatData)];

coldReads("stand-in");
for (const kind of ["rustfs", "versitygw"] as const) {
  const { here, how } = await locateS3(kind);
  if (skippedAsAbsent(`cold reads from ${kind}`, here ? undefined : how)) {
    describe.skip(`cold reads from ${kind}`, () => {
      it(`is absent: ${how}`, () => {});
    });
  } else {
    coldReads(kind);
  }
}

function coldReads(kind: S3ServerKind): void {
  describe(`cold reads from ${kind}`, () => {
    let server: S3Server;
    let bucket: string;
    let proxy: FaultProxy;
    let events: RequestEvent[];
    beforeAll(async () => {
      server = await startS3({ require: kind, build: false });
      bucket = await freshBucket(server, "cold-reads");
      proxy = await startFaultProxy(server, { network: { latencyMs: LATENCY_MS } });
      await put("compat", compat);
    });
    afterAll(async () => {
      await proxy?.close();
      await server?.close();
    });
    beforeEach(() => {
      events = [];
      proxy.reset();
    });

    async function put(key: string, body: Uint8Array): Promise<void> {
      const client = s3Client(server);
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
      client.destroy();
    }

    const open = (key: string, options: OpenOptions = {}): Promise<Archive> =>
      openArchive(s3Store(proxy.access).source(`${bucket}/${key}`), {
        ...options,
        onRequest: (event) => events.push(event),
      });

    /** Cost of the reads of a test. The counts of proxy and engine must agree. */
    function cost(archive: Archive): { requests: number; bytes: number; trips: number } {
      const { requests, bytesDown } = proxy.totals();
      const { bytes } = archive.stats;
      expect(archive.stats).toMatchObject({ requests, failures: 0 });
      // A long tail that the head does not want is aborted unread: the server may have sent some of it by then.
      expect(bytes).toBeLessThanOrEqual(bytesDown);
      expect(bytesDown - bytes).toBeLessThanOrEqual(512 * KiB);
      expect(proxy.requests.every(({ method }) => method === "GET")).toBe(true);
      return { requests, bytes, trips: roundTrips(events) };
    }

    it("reads a leaf of 17.6 MB in two round trips and four requests, with few bytes beyond the table", async () => {
      const archive = await open("compat");
      expect(archive.info).toMatchObject({ size: 17_638_805, tocBytes: 390_991 });
      expect(roundTrips(events)).toBe(1);
      expect(await archive.read(LEAF)).toEqual(at(compatData, LEAF));
      const { requests, bytes, trips } = cost(archive);
      expect(trips).toBe(2);
      // Head, short tail and long tail at once, then the value.
      expect(requests).toBeLessThanOrEqual(4);
      expect(bytes).toBeLessThanOrEqual(640 * KiB);
      await archive.close();
    });

    it("reads a leaf with a kept index in one request", async () => {
      const first = await open("compat");
      const index = first.index();
      await first.close();
      events.length = 0;
      proxy.reset();
      const archive = await open("compat", { index });
      expect(await archive.read(LEAF)).toEqual(at(compatData, LEAF));
      const { requests, bytes, trips } = cost(archive);
      expect([trips, requests]).toEqual([1, 1]);
      expect(bytes).toBeLessThan(16 * KiB);
      await archive.close();
    });

    it("reads any fifty random subtrees in at most four round trips", async () => {
      for (let seed = 1; seed <= (kind === "stand-in" ? 12 : 3); seed++) {
        const random = randomNumbers(seed);
        const paths = Array.from({ length: 50 }, () => everyMap[Math.floor(random() * everyMap.length)]!);
        events = [];
        proxy.reset();
        const archive = await open("compat");
        const values = await archive.readMany(paths);
        for (const [i, path] of paths.entries()) expect(values[i]).toEqual(at(compatData, path));
        const { trips, requests, bytes } = cost(archive);
        expect(trips, `seed ${seed}`).toBeLessThanOrEqual(4);
        expect(requests).toBeLessThanOrEqual(3 + 50);
        expect(bytes).toBeLessThan(compat.length / 2);
        await archive.close();
      }
    });

    describe("ten thousand records", () => {
      const records = Array.from({ length: 10_000 }, (_, i) => ({
        energy: i / 7 - 300,
        note: `record ${i} `.repeat(20),
      }));
      const energies = records.map(({ energy }) => energy);
      const named = Object.fromEntries(records.map((record, i) => [`r${i}`, record]));

      it.each([
        ["in blocks", { records }, {}],
        ["with a node each", { records }, { smallObjectThreshold: 128 }],
        ["with a node each, by name", { records: named }, { smallObjectThreshold: 128 }],
      ])("reads a column in a few requests: %s", async (name, document, how) => {
        await put(name, encodeArchive(document as Value, how));
        const archive = await open(name);
        const column: unknown[] = [];
        for await (const { value } of archive.select("records/*/energy")) column.push(value);
        expect(column).toEqual(energies);
        const { requests, trips, bytes } = cost(archive);
        // Opening, and growing groups.
        expect(requests).toBeLessThanOrEqual(10);
        expect(trips).toBeLessThanOrEqual(5);
        expect(bytes).toBeLessThanOrEqual(archive.info.size + 48 * KiB);
        await archive.close();
      });

      it("reads a slice across blocks in one more round trip", async () => {
        const numbers = Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 65_521);
        await put("numbers", encodeArchive({ numbers, last: "x".repeat(600_000) }));
        const archive = await open("numbers");
        expect(await archive.read(["numbers", slice(20_000, 200_000, 999)])).toEqual(
          numbers.slice(20_000, 200_000).filter((_, i) => i % 999 === 0),
        );
        const { requests, trips, bytes } = cost(archive);
        expect(trips).toBe(2);
        expect(requests).toBeLessThanOrEqual(4);
        expect(bytes).toBeLessThan(archive.info.size);
        await archive.close();
      });
    });

    describe("a combined archive", () => {
      it.each([
        { name: "tiny ones", archives: 1000, count: 60, maxRequests: 4, maxTrips: 1 },
        { name: "1000 archives of 15 KB", archives: 1000, count: 3000, maxRequests: 17, maxTrips: 6 },
        // Header and table of each, then the value.
        { name: "100 archives of 120 KB", archives: 100, count: 25_000, maxRequests: 251, maxTrips: 14 },
      ])("opens $name in few round trips", async ({ name, archives, count, maxRequests, maxTrips }) => {
        const children = Array.from({ length: archives }, (_, i) => ({
          name: `child ${i}`,
          value: { name: `number ${i}`, list: Array.from({ length: count }, (_, j) => i * 40_000 + j) },
        }));
        const sink = memorySink();
        await combineArchives(sink, children);
        await put(name, sink.bytes());
        for (const [how, read, expected] of [
          [
            "all of it",
            (archive: Archive) => archive.read(),
            Object.fromEntries(children.map(({ name, value }) => [name, value])),
          ],
          [
            "one value of each",
            (archive: Archive) => archive.readMany(children.map(({ name }) => [name, "name"])),
            children.map(({ value }) => value.name),
          ],
          [
            "a column",
            async (archive: Archive) => (await archive.select("*/name").toArray()).map(({ value }) => value),
            children.map(({ value }) => value.name),
          ],
        ] as const) {
          events = [];
          proxy.reset();
          const archive = await open(name);
          expect(await read(archive)).toEqual(expected);
          const { requests, trips, bytes } = cost(archive);
          expect(requests, how).toBeLessThanOrEqual(maxRequests);
          expect(trips, how).toBeLessThanOrEqual(maxTrips);
          expect(bytes, how).toBeLessThanOrEqual(archive.info.size * 1.05 + 48 * KiB);
          await archive.close();
        }
      });
    });
  });
}

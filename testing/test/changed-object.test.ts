import { PutObjectCommand } from "@aws-sdk/client-s3";
import { type Archive, encodeArchive, type OpenOptions, openArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { faults } from "../src/faults/fault.js";
import { type FaultProxy, startFaultProxy } from "../src/faults/proxy.js";
import { freshBucket, s3Client } from "../src/s3/client.js";
import { type StandIn, startStandIn } from "../src/s3/stand-in/server.js";

let server: StandIn;
let bucket: string;
let proxy: FaultProxy;
beforeAll(async () => {
  server = await startStandIn();
  bucket = await freshBucket(server, "changed");
});
afterAll(() => server.close());
beforeEach(async () => {
  proxy = await startFaultProxy(server);
  await put(1);
});
afterEach(() => proxy.close());

/** The nth version of the document. All have the same size, so that only the ETag differs. */
const state = (n: number): { rows: { n: number; text: string }[]; end: string } => ({
  rows: Array.from({ length: 60 }, (_, i) => ({ n: n * 100 + i, text: `${n}`.repeat(2000) })),
  end: "x".repeat(30_000),
});

async function put(n: number): Promise<void> {
  const client = s3Client(server);
  const Body = encodeArchive(state(n), { smallObjectThreshold: 500 });
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: "object", Body }));
  client.destroy();
}

const open = (options: OpenOptions): Promise<Archive> =>
  openArchive(s3Store(proxy.access).source(`${bucket}/object`), {
    headBytes: 100,
    tailBytes: 20_000,
    ...options,
  });

/** Requests for the head: each is a new first contact. */
const openings = (): number => proxy.requests.filter(({ range }) => range === "bytes=0-99").length;

it("rejects with `changed` after the object was replaced", async () => {
  const archive = await open({});
  expect(await archive.read("rows/0")).toEqual(state(1).rows[0]);
  await put(2);
  // Values that were read stay as they are.
  expect(await archive.read("rows/0/n")).toBe(100);
  for (const read of [
    () => archive.read("rows/30"),
    () => archive.get("rows/31/n"),
    () => archive.readMany(["rows/32", "rows/33"]),
    async () => archive.select("rows/*/n").toArray(),
    async () => archive.entries("rows/34").toArray(),
  ]) {
    await expect(read()).rejects.toMatchObject({ code: "changed" });
  }
  expect(openings()).toBe(1);
});

describe("with onChange: reopen", () => {
  it("continues reads in the new object, which is opened once for all", async () => {
    const archive = await open({ onChange: "reopen" });
    expect(await archive.read("rows/0/n")).toBe(100);
    const { version } = archive.info;
    await put(2);
    const rows = await Promise.all(Array.from({ length: 40 }, (_, i) => archive.read(["rows", i + 10])));
    expect(rows).toEqual(state(2).rows.slice(10, 50));
    expect(openings()).toBe(2);
    expect(archive.info.version).not.toBe(version);
    expect(await archive.read("rows/0/n")).toBe(200);
    await put(3);
    expect(await archive.readMany(["rows/51", "rows/52/n"])).toEqual([state(3).rows[51], 352]);
    expect(openings()).toBe(3);
  });

  it.each<[string, (archive: Archive) => Promise<unknown>, unknown]>([
    ["get", (archive) => archive.get("rows/7/n"), 207],
    [
      "select",
      async (archive) => (await archive.select("rows/*/n").toArray()).map(({ value }) => value),
      state(2).rows.map(({ n }) => n),
    ],
    ["entries", async (archive) => archive.entries("rows/7").toArray(), Object.entries(state(2).rows[7]!)],
    [
      "raw",
      async (archive) => Buffer.from(await new Response(archive.raw("rows/7/text")).arrayBuffer()).length,
      2003,
    ],
  ])("so does %s", async (_name, read, expected) => {
    const archive = await open({ onChange: "reopen" });
    await put(2);
    expect(await read(archive)).toEqual(expected);
    expect(openings()).toBe(2);
  });

  it("reopens once if the object is replaced during opening", async () => {
    const replace = async (n: number): Promise<void> => {
      while (proxy.requests[0]?.tookMs === undefined) await new Promise(setImmediate);
      await put(n);
    };
    proxy.add({ fault: faults.before(() => replace(2)), when: { nth: 2 } });
    const archive = await open({ onChange: "reopen" });
    expect(await archive.read("rows/3/n")).toBe(203);
    expect(openings()).toBe(2);
  });

  it("ignores an outdated index, and uses a current one", async () => {
    const index = (await open({})).index();
    const kept = await open({ index, onChange: "reopen" });
    expect(await kept.read("rows/3/n")).toBe(103);
    expect(openings()).toBe(1);
    await put(2);
    expect(await (await open({ index, onChange: "reopen" })).read("rows/3/n")).toBe(203);
    await expect((await open({ index })).read("rows/3/n")).rejects.toMatchObject({ code: "changed" });
  });

  it("stays closed if closed while reopening", async () => {
    const archive = await open({ onChange: "reopen" });
    await put(2);
    proxy.setNetwork({ latencyMs: 30 });
    const reading = archive.read("rows/3/n");
    reading.catch(() => {});
    while (openings() < 2) await new Promise(setImmediate);
    await archive.close();
    await expect(reading).rejects.toMatchObject({ code: "closed" });
    await expect(archive.read("rows/4/n")).rejects.toMatchObject({ code: "closed" });
  });

  it("rejects with `changed` if the object keeps changing", async () => {
    let n = 1;
    const archive = await open({ onChange: "reopen" });
    proxy.add({ fault: faults.before(() => put(++n)) });
    await expect(archive.read("rows/3/n")).rejects.toMatchObject({ code: "changed" });
  });

  it("does not mix handles of the old object with the new one", async () => {
    const archive = await open({ onChange: "reopen" });
    const handle = (await archive.get("rows")) as unknown as { at(index: number): Promise<unknown> };
    await put(2);
    expect(await archive.read("rows/9/n")).toBe(209);
    await expect(handle.at(8)).resolves.toMatchObject({ size: 2 });
    await expect(
      (async () => ((await handle.at(8)) as { toValue(): Promise<unknown> }).toValue())(),
    ).rejects.toMatchObject({ code: "changed" });
  });
});

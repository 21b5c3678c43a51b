import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import {
  appendArchives,
  type CombineChild,
  combineArchives,
  encodeArchive,
  memorySink,
  openArchive,
} from "@peekpack/core";
import { freshBucket, s3Client, startFaultProxy } from "@peekpack/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type S3Store, s3Store } from "../src/index.js";
import { expectBytes, noise, onEachServer } from "./live-servers.js";

const MiB = 2 ** 20;
const retry = { baseMs: 5 };

/** Children of different sizes, which a plan treats differently, in both codecs. */
const children: { name: string; bytes: Uint8Array }[] = [
  { name: "tiny", bytes: encodeArchive({ a: [1, 2, 3] }) },
  { name: "large", bytes: encodeArchive({ blob: noise(12 * MiB), n: 7 }, { codec: "cbor" }) },
  { name: "small", bytes: encodeArchive(noise(MiB)) },
  { name: "another large", bytes: encodeArchive([noise(6 * MiB + 13), "end"]) },
  { name: "last", bytes: encodeArchive(null, { codec: "cbor" }) },
];

await onEachServer("combining on the server", (server) => {
  let bucket: string;
  let client: S3Client;
  let store: S3Store;
  beforeAll(async () => {
    bucket = await freshBucket(server, "combine");
    client = s3Client(server);
    store = s3Store({ ...server, retry });
    for (const { name, bytes } of children) await put(`in/${name}`, bytes);
  }, 120_000);
  afterAll(() => client.destroy());

  const put = (Key: string, Body: Uint8Array) =>
    client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
  const stored = async (Key: string): Promise<Uint8Array> =>
    (await client.send(new GetObjectCommand({ Bucket: bucket, Key }))).Body!.transformToByteArray();
  const orphans = async (): Promise<number> =>
    (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;
  const keys = async (Prefix: string): Promise<string[]> =>
    ((await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }))).Contents ?? []).map(
      ({ Key }) => Key!,
    );
  const onServer = (names = true): CombineChild[] =>
    children.map(({ name }) => ({ ...(names ? { name } : {}), source: `${bucket}/in/${name}` }));
  const inMemory = async (names = true, codec: "msgpack" | "cbor" = "msgpack"): Promise<Uint8Array> => {
    const sink = memorySink();
    await combineArchives(
      sink,
      children.map(({ name, bytes }) => ({ ...(names ? { name } : {}), source: bytes })),
      { codec },
    );
    return sink.bytes();
  };

  it("writes a page index with pageIndex: true, both combining and appending", async () => {
    const child = encodeArchive({ a: 1 });
    const named = Array.from({ length: 1200 }, (_, i) => ({ name: `child number ${i}`, source: child }));
    const whole = memorySink();
    await combineArchives(whole, named, { pageIndex: true });
    const plain = memorySink();
    await combineArchives(plain, named, { pageIndex: false });
    expect(whole.bytes().length).toBeGreaterThan(plain.bytes().length);
    await store.combine(`${bucket}/indexed`, named, { pageIndex: true });
    expectBytes(await stored("indexed"), whole.bytes());
    // The table is too small for an index by default.
    await store.combine(`${bucket}/indexed`, named);
    expectBytes(await stored("indexed"), plain.bytes());
    await store.combine(`${bucket}/indexed`, named.slice(0, 1100), { pageIndex: true });
    const { size } = await store.append(`${bucket}/indexed`, named.slice(1100), { pageIndex: true });
    expect(size).toBe(whole.bytes().length);
    expectBytes(await stored("indexed"), whole.bytes());
    await store.append(`${bucket}/indexed`, [{ name: "last", source: child }], { pageIndex: false });
    const archive = await openArchive(store.source(`${bucket}/indexed`));
    expect(archive.info.size).toBe((await stored("indexed")).length);
    expect(await archive.read("child number 1199/a")).toBe(1);
  });

  it("writes the same bytes as combineArchives, and copies large children", async () => {
    for (const names of [true, false]) {
      // Real servers do not look at the codec.
      const codecs = server.kind === "stand-in" ? (["msgpack", "cbor"] as const) : (["cbor"] as const);
      for (const codec of codecs) {
        const result = await store.combine(`${bucket}/out`, onServer(names), { codec });
        const expected = await inMemory(names, codec);
        expectBytes(await stored("out"), expected);
        expect(result.size).toBe(expected.length);
        expect(result.copiedBytes).toBeGreaterThan(7 * MiB);
        expect(result.copiedBytes + result.uploadedBytes).toBe(expected.length);
        expect(result.notice).toBeUndefined();
      }
    }
    expect(await orphans()).toBe(0);
    const archive = await openArchive(store.source(`${bucket}/out`));
    expect(await archive.read("1/n")).toBe(7);
    expect(await archive.read("3/1")).toBe("end");
  });

  it("accepts sources, open archives, nested archives, bytes and values", async () => {
    await store.combine(`${bucket}/nested`, [
      { name: "path", source: `s3://${bucket}/in/large` },
      { name: "source", source: store.source(`${bucket}/in/tiny`) },
      { name: "archive", source: await openArchive(store.source(`${bucket}/in/another large`)) },
      { name: "bytes", source: children[2]!.bytes },
      { name: "value", value: { made: [1, 2] } },
    ]);
    const archive = await openArchive(store.source(`${bucket}/nested`));
    expect(await archive.keys().toArray()).toEqual(["path", "source", "archive", "bytes", "value"]);
    expect(await archive.read("path/n")).toBe(7);
    expect(await archive.read("archive/1")).toBe("end");
    expect(await archive.read("value/made/1")).toBe(2);
    const again = await store.combine(`${bucket}/deeper`, [
      { name: "all", source: archive },
      { name: "one", value: 1 },
    ]);
    expect(again.copiedBytes).toBeGreaterThan(12 * MiB);
    const deeper = await openArchive(store.source(`${bucket}/deeper`));
    expect(await deeper.read("all/source/a/2")).toBe(3);
  });

  it.each(server.kind === "stand-in" ? ["in/a b+c", "in/100%", "in/a%20b"] : ["in/a b+c%20d 100%"])(
    "combines the key %j by URL, opened by URL, and by source",
    async (key) => {
      const bytes = encodeArchive([noise(5 * MiB), key]);
      await put(key, bytes);
      const url = await store.presign(`${bucket}/${key}`);
      await store.combine(`${bucket}/by url`, [
        { name: "text", source: url },
        { name: "URL", source: new URL(url) },
        { name: "opened", source: await openArchive(url) },
        { name: "source", source: store.source(`${bucket}/${key}`) },
        { name: "path", source: `${bucket}/${key}` },
      ]);
      const sink = memorySink();
      const names = ["text", "URL", "opened", "source", "path"];
      await combineArchives(
        sink,
        names.map((name) => ({ name, source: bytes })),
      );
      expectBytes(await stored("by url"), sink.bytes());
      await expect(
        store.combine(`${bucket}/${key}`, [{ name: "itself", source: url }]),
      ).rejects.toMatchObject({ code: "unsupported-value" });
    },
  );

  it("appends repeatedly as appendArchives does, and transfers little", async () => {
    await store.combine(`${bucket}/grows`, onServer());
    let expected = await inMemory();
    for (const [name, value] of [
      ["first", { x: 1 }],
      ["second", noise(MiB)],
    ] as const) {
      const proxy = await startFaultProxy(server);
      try {
        const result = await s3Store({ ...server, endpoint: proxy.endpoint, retry }).append(
          `${bucket}/grows`,
          [{ name, value }],
        );
        const sink = memorySink();
        await appendArchives({ source: expected, sink }, [{ name, value }]);
        expected = sink.bytes();
        expect(result.size).toBe(expected.length);
        const { wireUp, wireDown } = proxy.totals();
        expect(wireUp + wireDown).toBeLessThan(14 * MiB);
        expect(result.copiedBytes).toBeGreaterThan(10 * MiB);
      } finally {
        await proxy.close();
      }
      expectBytes(await stored("grows"), expected);
    }
    expect(await orphans()).toBe(0);
  });

  it("rejects invalid children and leaves the old object", async () => {
    const old = encodeArchive("old");
    await put("kept", old);
    const refused = async (list: CombineChild[], code: string): Promise<void> => {
      await expect(store.combine(`${bucket}/kept`, list)).rejects.toMatchObject({ code });
    };
    await put("in/junk", noise(1000));
    await refused([], "unsupported-value");
    await refused([onServer()[0]!, onServer(false)[1]!], "unsupported-value");
    await refused([onServer()[0]!, onServer()[0]!], "duplicate-name");
    await refused([{ name: "x", source: `${bucket}/in/junk` }], "not-an-archive");
    await refused([{ name: "x", source: `${bucket}/in/absent` }], "not-found");
    await refused([{ name: "x", source: `${bucket}/kept` }], "unsupported-value");
    await expect(store.append(`${bucket}/kept`, [{ name: "x", value: 1 }])).rejects.toMatchObject({
      code: "unsupported-value",
    });
    await expect(store.append(`${bucket}/absent`, [{ name: "x", value: 1 }])).rejects.toMatchObject({
      code: "not-found",
    });
    await expect(store.combine(`${bucket}/kept`, onServer(), { put: "create" })).rejects.toMatchObject({
      code: "exists",
    });
    expectBytes(await stored("kept"), old);
    expect(await orphans()).toBe(0);
  });

  it("rejects concurrent appends with `changed` and loses no child", async () => {
    await store.combine(`${bucket}/raced`, onServer());
    const outcomes = await Promise.allSettled(
      ["a", "b", "c"].map((name) => store.append(`${bucket}/raced`, [{ name, value: name }])),
    );
    const won = outcomes.filter(({ status }) => status === "fulfilled");
    expect(won.length).toBeGreaterThanOrEqual(1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "changed" });
    }
    const archive = await openArchive(store.source(`${bucket}/raced`));
    expect(await archive.size()).toBe(children.length + won.length);
    expect(await archive.read("large/n")).toBe(7);
  });

  it("rejects with `changed` if a child changes before it is copied", async () => {
    const proxy = await startFaultProxy(server);
    const replaced = encodeArchive([noise(12 * MiB), 2]);
    try {
      await put("in/fickle", encodeArchive([noise(12 * MiB), 1]));
      proxy.add({
        when: { method: "POST", query: "uploads" },
        fault: { kind: "action", run: () => put("in/fickle", replaced).then(() => {}) },
        times: 1,
      });
      const through = s3Store({ ...server, endpoint: proxy.endpoint, retry });
      await expect(
        through.combine(`${bucket}/fickle-out`, [{ name: "f", source: `${bucket}/in/fickle` }]),
      ).rejects.toMatchObject({ code: "changed" });
    } finally {
      await proxy.close();
    }
    expect(await keys("fickle-out")).toEqual([]);
    expect(await orphans()).toBe(0);
  });

  it("writes equal parts with equalPartSize", async () => {
    await store.combine(`${bucket}/equal`, onServer(), { equalPartSize: 5 * MiB });
    expectBytes(await stored("equal"), await inMemory());
  });

  // Servers refuse a copy in their own ways. One that works is enough for each real server.
  const refusals: readonly (readonly [number, string])[] =
    server.kind === "stand-in"
      ? [
          [501, "NotImplemented"],
          [405, "MethodNotAllowed"],
          [411, "MissingContentLength"],
          [403, "AccessDenied"],
          [400, "InvalidArgument"],
        ]
      : [[501, "NotImplemented"]];
  it.each(refusals)(
    "uploads everything if the server refuses to copy with %i %s, and reports it",
    async (status, code) => {
      const proxy = await startFaultProxy(server);
      try {
        proxy.add({
          when: { method: "PUT", test: ({ copies }) => copies },
          fault: { kind: "response", status, code },
        });
        const through = s3Store({ ...server, endpoint: proxy.endpoint, retry });
        const result = await through.combine(`${bucket}/streamed`, onServer());
        expect(result.copiedBytes).toBe(0);
        expect(result.notice).toContain(code);
      } finally {
        await proxy.close();
      }
      expectBytes(await stored("streamed"), await inMemory());
      expect(await orphans()).toBe(0);
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: "streamed" }));
    },
  );
});

describe("paths", () => {
  it("are checked before any request", async () => {
    const store = s3Store({ endpoint: "http://127.0.0.1:9", credentials: null });
    await expect(store.combine("bucket", [])).rejects.toThrow(TypeError);
    await expect(store.append("", [])).rejects.toThrow(TypeError);
  });
});

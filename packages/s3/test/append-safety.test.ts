/** Appending where the server does not replace an object only under its condition. */
import { ListMultipartUploadsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { combineArchives, encodeArchive, memorySink, openArchive } from "@peekpack/core";
import {
  type FaultProxy,
  freshBucket,
  type S3Server,
  s3Client,
  startFaultProxy,
  startS3,
} from "@peekpack/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type S3Store, s3Store } from "../src/index.js";
import { onEachServer } from "./live-servers.js";

const small = [{ source: encodeArchive({ n: 1 }) }];
/** Replaced by completing an upload. */
const large = [...small, { source: encodeArchive({ text: "x".repeat(17 * 2 ** 20) }) }];
const added = [{ source: encodeArchive({ n: 2 }) }];

async function keysOf(server: S3Server, Bucket: string): Promise<(string | undefined)[]> {
  const client = s3Client(server);
  const objects = await client.send(new ListObjectsV2Command({ Bucket }));
  const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  client.destroy();
  return [...(objects.Contents ?? []), ...(uploads.Uploads ?? [])].map(({ Key }) => Key);
}

await onEachServer("appending where If-Match is honored", (server) => {
  it("tries it once for a store, and leaves nothing behind", async () => {
    const bucket = await freshBucket(server, "safe");
    const proxy = await startFaultProxy(server);
    const probes = (): number =>
      proxy.requests.filter(({ path }) => decodeURIComponent(path).includes("peekpack-probe")).length;
    try {
      const store = s3Store({ ...server, endpoint: proxy.endpoint });
      await store.combine(`${bucket}/small`, small);
      await store.combine(`${bucket}/large`, large);
      expect(probes()).toBe(0);
      await store.append(`${bucket}/small`, added);
      expect(probes()).toBeLessThanOrEqual(2);
      await store.append(`${bucket}/large`, added);
      const sent = probes();
      expect(sent).toBeLessThanOrEqual(8);
      await store.append(`${bucket}/small`, added);
      await store.append(`${bucket}/large`, added);
      expect(probes()).toBe(sent);
      expect(await (await openArchive(store.source(`${bucket}/large`))).size()).toBe(4);
      expect(await keysOf(server, bucket)).toEqual(["large", "small"]);
      // What capabilities found out is not tried again.
      const probed = s3Store({ ...server, endpoint: proxy.endpoint });
      await probed.capabilities(bucket);
      const before = probes();
      await probed.append(`${bucket}/small`, added);
      await probed.append(`${bucket}/large`, added);
      expect(probes()).toBe(before);
    } finally {
      await proxy.close();
    }
  });
});

describe("appending", () => {
  let server: S3Server;
  let bucket: string;
  let store: S3Store;
  const start = async (completionConditions: "ignored" | "racy"): Promise<void> => {
    server = await startS3({ require: "stand-in", standIn: { completionConditions } });
    bucket = await freshBucket(server);
    store = s3Store(server);
    await store.combine(`${bucket}/small`, small);
    await store.combine(`${bucket}/large`, large);
  };
  afterEach(() => server.close());
  const sizeOf = async (name: string): Promise<number | undefined> =>
    (await openArchive(store.source(`${bucket}/${name}`))).size();

  it("rejects with `conflict` where completions ignore If-Match, unless there is one writer", async () => {
    await start("ignored");
    const append = store.append(`${bucket}/large`, added);
    await expect(append).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringMatching(/ignores If-Match.*soleWriter/),
    });
    expect(await sizeOf("large")).toBe(2);
    // A PUT honors it.
    await store.append(`${bucket}/small`, added);
    expect(await sizeOf("small")).toBe(2);
    await store.append(`${bucket}/large`, added, { soleWriter: true });
    expect(await sizeOf("large")).toBe(3);
    expect(await keysOf(server, bucket)).toEqual(["large", "small"]);
  });

  it("rejects with `conflict` where completions are not atomic, once capabilities found that out", async () => {
    await start("racy");
    await store.append(`${bucket}/large`, added);
    await store.capabilities(bucket);
    await expect(store.append(`${bucket}/large`, added)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringMatching(/two uploads at once.*soleWriter/),
    });
    await store.append(`${bucket}/large`, added, { soleWriter: true });
    expect(await sizeOf("large")).toBe(4);
  });
});

describe("appending without permission to write another key", () => {
  let server: S3Server;
  let proxy: FaultProxy;
  beforeEach(async () => {
    server = await startS3({ require: "stand-in" });
    proxy = await startFaultProxy(server);
  });
  afterEach(async () => {
    await proxy.close();
    await server.close();
  });

  it("takes the server for safe", async () => {
    const bucket = await freshBucket(server);
    proxy.add({
      when: { path: /peekpack-probe/ },
      fault: { kind: "response", status: 403, code: "AccessDenied" },
    });
    const store = s3Store({ ...server, endpoint: proxy.endpoint });
    for (const children of [small, large]) {
      await store.combine(`${bucket}/key`, children);
      await store.append(`${bucket}/key`, added);
      const archive = await openArchive(store.source(`${bucket}/key`));
      expect(await archive.size()).toBe(children.length + 1);
    }
  });
});

it("is known to be safe on AWS", async () => {
  const archive = memorySink();
  await combineArchives(archive, small);
  const bytes = archive.bytes();
  const sent: string[] = [];
  const store = s3Store({
    credentials: { accessKeyId: "id", secretAccessKey: "secret" },
    writer: "fetch",
    fetch: async ({ method, url, headers }) => {
      sent.push(`${method} ${new URL(url).pathname} ${headers.get("if-match") ?? ""}`.trim());
      if (method !== "GET") return new Response(null, { headers: { etag: '"2"' } });
      const [, from, to] = /^bytes=(\d*)-(\d+)$/.exec(headers.get("range")!)!;
      const start = Number(from);
      const end = from === "" ? bytes.length : Math.min(bytes.length, Number(to) + 1);
      const contentRange = `bytes ${start}-${end - 1}/${bytes.length}`;
      return new Response(bytes.slice(start, end), {
        status: 206,
        headers: { etag: '"1"', "content-range": contentRange },
      });
    },
  });
  await store.append("bucket/key", added);
  expect(sent.filter((request) => !request.startsWith("GET"))).toEqual(['PUT /key "1"']);
});

import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { faults, freshBucket, s3Client, startFaultProxy } from "@peekpack/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectionSettings, openConnection } from "../src/connection.js";
import { copyOnServer } from "../src/copy-object.js";
import { type PutMode, S3_LIMITS, type S3Store, s3Store } from "../src/index.js";
import type { ObjectLocation } from "../src/location.js";
import { expectBytes, noise, onEachServer } from "./live-servers.js";

const MiB = 2 ** 20;
const retry = { baseMs: 5 };

await onEachServer("objects of a store", (server) => {
  let client: S3Client;
  let bucket: string;
  let store: S3Store;
  beforeAll(async () => {
    client = s3Client(server);
    bucket = await freshBucket(server, "objects");
    store = s3Store({ ...server, retry });
  });
  afterAll(async () => {
    client.destroy();
    await store.close();
  });

  const put = async (Key: string, Body: Uint8Array | string): Promise<string> =>
    (await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))).ETag!;
  const bytesOf = async (key: string): Promise<Uint8Array> => {
    const source = store.source(`${bucket}/${key}`);
    const { size } = await source.probe({ head: 1, tail: 0 });
    return (await source.read([{ start: 0, end: size }]))[0]!;
  };
  const keysOf = async (prefix: string): Promise<string[]> =>
    (await store.list(`${bucket}/${prefix}`).toArray()).map(({ key }) => key);

  it("lists keys of any characters under a prefix, with size, ETag and date", async () => {
    const keys = ["l/a", "l/a&b<c>", "l/b/1", "l/é", "l/ü x+y%20"];
    const etags = [];
    for (const key of keys) etags.push(await put(key, key));
    await put("m", "last");
    const listed = await store.list(`${bucket}/l/`).toArray();
    expect(listed.map(({ key }) => key)).toEqual(keys);
    expect(listed.map(({ path }) => path)).toEqual(keys.map((key) => `${bucket}/${key}`));
    expect(listed.map(({ etag }) => etag)).toEqual(etags);
    expect(listed.map(({ size }) => size)).toEqual(keys.map((key) => Buffer.byteLength(key)));
    for (const { modified } of listed) {
      expect(Math.abs(modified!.getTime() - Date.now())).toBeLessThan(3_600_000);
    }
    expect(await keysOf("")).toEqual([...keys, "m"]);
    expect(await store.list(bucket).toArray()).toHaveLength(keys.length + 1);
    expect(await keysOf("none/")).toEqual([]);
    expect(await store.list(`${bucket}/l/`, { limit: 2, startAfter: "l/a" }).toArray()).toMatchObject([
      { key: "l/a&b<c>" },
      { key: "l/b/1" },
    ]);
  });

  it("looks an object up as it is listed, and rejects with `not-found`", async () => {
    await put("h/ü +", "four");
    const [listed] = await store.list(`${bucket}/h/`).toArray();
    const found = await store.head(`s3://${bucket}/h/ü +`);
    expect(found).toMatchObject({ path: `${bucket}/h/ü +`, key: "h/ü +", size: 4, etag: listed!.etag });
    expect(found.modified!.getTime()).toBeLessThan(Date.now() + 3_600_000);
    await expect(store.head(`${bucket}/h/none`)).rejects.toMatchObject({ code: "not-found" });
    await expect(store.head("absent-bucket-of-peekpack/key")).rejects.toMatchObject({ code: "not-found" });
    await expect(store.list("absent-bucket-of-peekpack").toArray()).rejects.toMatchObject({
      code: "not-found",
    });
  });

  describe.each(["sdk", "fetch"] as const)("with the writer %s", (writer) => {
    const store = s3Store({ ...server, retry, writer });
    afterAll(() => store.close());

    it("deletes an object, and succeeds if there is none", async () => {
      await put("d/one", "1");
      await store.delete(`${bucket}/d/one`);
      await store.delete(`${bucket}/d/one`);
      expect(await keysOf("d/")).toEqual([]);
      await expect(store.delete("absent-bucket-of-peekpack/key")).rejects.toMatchObject({
        code: "not-found",
      });
    });

    it("deletes an object only if it has the ETag of ifMatch", async () => {
      const old = await put("d/kept", "old");
      const etag = await put("d/kept", "new");
      await expect(store.delete(`${bucket}/d/kept`, { ifMatch: old })).rejects.toMatchObject({
        code: "changed",
      });
      expect(await keysOf("d/kept")).toEqual(["d/kept"]);
      await store.delete(`${bucket}/d/kept`, { ifMatch: etag });
      expect(await keysOf("d/kept")).toEqual([]);
      await expect(store.delete(`${bucket}/d/kept`, { ifMatch: etag })).rejects.toMatchObject({
        code: "changed",
      });
    });

    it("deletes once if the response to a delete with ifMatch is lost", async () => {
      const etag = await put("d/lost", "x");
      const proxy = await startFaultProxy(server);
      const through = s3Store({ ...server, endpoint: proxy.endpoint, retry, writer });
      try {
        const lost = proxy.add({
          when: { method: "DELETE" },
          fault: faults.resetProcessed(),
          times: 1,
        });
        await through.delete(`${bucket}/d/lost`, { ifMatch: etag });
        expect(lost.hits).toBe(1);
      } finally {
        await through.close();
        await proxy.close();
      }
      expect(await keysOf("d/lost")).toEqual([]);
    });
  });

  it("copies objects of any size, on the server where it can", async () => {
    const other = await freshBucket(server, "copies");
    for (const size of [0, 1000, 6 * MiB]) {
      const bytes = noise(size);
      await put(`c/${size} ü+%`, bytes);
      const result = await store.copy(`${bucket}/c/${size} ü+%`, `${other}/to/${size}`);
      expect(result.size).toBe(size);
      expect(result.copiedBytes).toBe(size > 5 * MiB ? size : 0);
      expect(result.uploadedBytes).toBe(size > 5 * MiB ? 0 : size);
      const copied = await store.head(`${other}/to/${size}`);
      expect(copied.size).toBe(size);
      expect(copied.etag).toBe(result.version);
      await store.copy(`${other}/to/${size}`, `${bucket}/c/back`, { put: "overwrite" });
      if (size > 0) expectBytes(await bytesOf("c/back"), bytes);
    }
  });

  it("copies an object above the largest part in several parts", async () => {
    const bytes = noise(11 * MiB, 3);
    await put("c/large", bytes);
    const location = { bucket, key: "c/parts" };
    const context = {
      connection: openConnection(connectionSettings(server)),
      label: "c/parts",
      location,
      retry,
      limits: { ...S3_LIMITS, maxPart: 6 * MiB, minCopySource: S3_LIMITS.minPart },
      source: (at: ObjectLocation, version?: string) => store.source(`${at.bucket}/${at.key}`, { version }),
      target: async (at: ObjectLocation, mode: PutMode) =>
        store.target(`${at.bucket}/${at.key}`, { put: mode }),
    };
    const from = { location: { bucket, key: "c/large" }, label: "c/large" };
    expect(await copyOnServer(context, from)).toMatchObject({
      size: bytes.length,
      copiedBytes: bytes.length,
      uploadedBytes: 0,
      version: expect.stringMatching(/-2"$/),
    });
    expectBytes(await bytesOf("c/parts"), bytes);
  });

  it("replaces an object by a copy only if put allows it", async () => {
    await put("p/from", noise(6 * MiB));
    const small = await put("p/small", "small");
    const etag = await put("p/to", "old");
    for (const from of ["p/from", "p/small"]) {
      await expect(store.copy(`${bucket}/${from}`, `${bucket}/p/to`)).rejects.toMatchObject({
        code: "exists",
      });
      await expect(
        store.copy(`${bucket}/${from}`, `${bucket}/p/to`, { put: { ifMatch: small } }),
      ).rejects.toMatchObject({ code: "changed" });
    }
    await expect(
      store.copy(`${bucket}/p/small`, `${bucket}/p/none`, { put: { ifMatch: etag } }),
    ).rejects.toMatchObject({ code: "changed" });
    await expect(store.copy(`${bucket}/p/none`, `${bucket}/p/to`)).rejects.toMatchObject({
      code: "not-found",
    });
    await expect(store.copy(`${bucket}/p/to`, `${bucket}/p/to`)).rejects.toMatchObject({
      code: "unsupported-value",
    });
    expect(await bytesOf("p/to")).toEqual(new TextEncoder().encode("old"));
    await store.copy(`${bucket}/p/from`, `${bucket}/p/to`, { put: { ifMatch: etag } });
    expectBytes(await bytesOf("p/to"), noise(6 * MiB));
  });

  it("lists, looks up and copies once if responses are lost", async () => {
    const [small, large] = [noise(1000), noise(6 * MiB)];
    await put("r/small", small);
    await put("r/large", large);
    const proxy = await startFaultProxy(server);
    const through = s3Store({ ...server, endpoint: proxy.endpoint, retry });
    const lose = (method: string, query?: string) =>
      proxy.add({ when: { method, query }, fault: faults.resetProcessed(), times: 1 });
    try {
      const lost = [lose("GET", "list-type"), lose("HEAD"), lose("PUT"), lose("POST", "uploadId")];
      expect(await through.list(`${bucket}/r/`).toArray()).toHaveLength(2);
      expect(await through.head(`${bucket}/r/small`)).toMatchObject({ size: 1000 });
      // By default a copy replaces nothing, not even itself.
      await through.copy(`${bucket}/r/small`, `${bucket}/r/copies/small`);
      await through.copy(`${bucket}/r/large`, `${bucket}/r/copies/large`);
      expect(lost.map(({ hits }) => hits)).toEqual([1, 1, 1, 1]);
    } finally {
      await through.close();
      await proxy.close();
    }
    expect(await keysOf("r/copies/")).toEqual(["r/copies/large", "r/copies/small"]);
    expectBytes(await bytesOf("r/copies/small"), small);
    expectBytes(await bytesOf("r/copies/large"), large);
  });

  it("rejects with `changed` if an object is replaced while it is copied", async () => {
    await put("p/fickle", noise(6 * MiB));
    const proxy = await startFaultProxy(server);
    const through = s3Store({ ...server, endpoint: proxy.endpoint, retry });
    try {
      proxy.add({
        when: { method: "POST", query: "uploads" },
        fault: { kind: "action", run: () => put("p/fickle", noise(6 * MiB, 2)).then(() => {}) },
        times: 1,
      });
      await expect(through.copy(`${bucket}/p/fickle`, `${bucket}/p/copy`)).rejects.toMatchObject({
        code: "changed",
      });
    } finally {
      await through.close();
      await proxy.close();
    }
    expect(await keysOf("p/copy")).toEqual([]);
  });
});

/** A store over a server that responds with these pages of a list, one after the other. */
function listingStore(pages: readonly (string | Response)[]) {
  const queries: URLSearchParams[] = [];
  let next = 0;
  const store = s3Store({
    endpoint: "http://127.0.0.1:9",
    credentials: { accessKeyId: "id", secretAccessKey: "secret" },
    retry: { attempts: 2, baseMs: 1 },
    async fetch(request) {
      queries.push(new URL(request.url).searchParams);
      const page = pages[Math.min(next++, pages.length - 1)]!;
      return typeof page === "string" ? new Response(page) : page.clone();
    },
  });
  return { store, queries };
}

const entry = (key: string, size: number | string = 1): string =>
  `<Contents><Key>${key}</Key><Size>${size}</Size></Contents>`;
const pageOf = (content: string, token?: string): string =>
  `<ListBucketResult>${content}${token === undefined ? "" : `<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>`}</ListBucketResult>`;

describe("listing", () => {
  it("requests a page when it is needed, and only what the limit leaves", async () => {
    const { store, queries } = listingStore([
      pageOf(entry("a") + entry("b"), "1+/="),
      pageOf("", "2"),
      pageOf(entry("c") + entry("d"), "3"),
    ]);
    const seen: string[] = [];
    for await (const { key } of store.list("bucket", { limit: 3 })) {
      seen.push(`${key} after ${queries.length}`);
    }
    expect(seen).toEqual(["a after 1", "b after 1", "c after 3"]);
    expect(queries.map((query) => query.get("max-keys"))).toEqual(["3", "1", "1"]);
    expect(queries.map((query) => query.get("continuation-token"))).toEqual([null, "1+/=", "2"]);
  });

  it("lists anew in every loop", async () => {
    const { store } = listingStore([pageOf(entry("a"))]);
    const list = store.list("bucket");
    expect([await list.toArray(), await list.toArray()].flat()).toMatchObject([{ key: "a" }, { key: "a" }]);
  });

  it("leaves out keys outside the prefix", async () => {
    const { store } = listingStore([pageOf(entry("p/a") + entry("q") + entry("") + entry("p/b"))]);
    expect(await store.list("bucket/p/").toArray()).toMatchObject([{ key: "p/a" }, { key: "p/b" }]);
  });

  it("requests a page again that broke off or is none", async () => {
    const whole = pageOf(entry("a") + entry("b"));
    const { store } = listingStore([whole.slice(0, 60), whole]);
    expect(await store.list("bucket").toArray()).toHaveLength(2);
    const other = listingStore(["<html>Please sign in</html>"]);
    await expect(other.store.list("bucket").toArray()).rejects.toMatchObject({ code: "network" });
    expect(other.queries).toHaveLength(2);
  });

  it.each([
    ["no token for the rest", [pageOf(`${entry("a")}<IsTruncated>true</IsTruncated>`)]],
    ["the same token again", [pageOf(entry("a"), "1"), pageOf(entry("b"), "1")]],
    ["an invalid size", [pageOf(entry("a") + entry("b", "-1"))]],
    ["no size", [pageOf(entry("a") + entry("b", ""))]],
  ])("rejects with `network` if the server sends %s, and loses no object silently", async (_, pages) => {
    const { store } = listingStore(pages);
    await expect(store.list("bucket").toArray()).rejects.toMatchObject({ code: "network" });
  });

  it("rejects with `denied` without permission to list", async () => {
    const refused = new Response("<Error><Code>AccessDenied</Code></Error>", { status: 403 });
    await expect(listingStore([refused]).store.list("bucket").toArray()).rejects.toMatchObject({
      code: "denied",
      s3Code: "AccessDenied",
    });
  });

  it("rejects with the signal's reason between objects and requests", async () => {
    const reason = new Error("enough");
    const { store, queries } = listingStore([pageOf(entry("a") + entry("b"), "1")]);
    const controller = new AbortController();
    const seen: string[] = [];
    const walk = async (): Promise<void> => {
      for await (const { key } of store.list("bucket", { signal: controller.signal })) {
        seen.push(key);
        controller.abort(reason);
      }
    };
    await expect(walk()).rejects.toBe(reason);
    expect([seen, queries.length]).toEqual([["a"], 1]);
  });

  it("checks prefix and limit at once", () => {
    const { store, queries } = listingStore([pageOf("")]);
    expect(() => store.list("")).toThrow(TypeError);
    for (const limit of [0, -1, 1.5, Number.NaN])
      expect(() => store.list("bucket", { limit })).toThrow(RangeError);
    expect(queries).toEqual([]);
  });
});

describe("deleting", () => {
  /** A store whose object has the ETag "1", and whose server responds to a DELETE as given. */
  const deletingStore = (headers: Record<string, string>, respond: (request: Request) => Response) => {
    const sent: string[] = [];
    const store = s3Store({
      endpoint: "http://127.0.0.1:9",
      credentials: { accessKeyId: "id", secretAccessKey: "secret" },
      retry: { attempts: 1 },
      writer: "fetch",
      async fetch(request) {
        sent.push(`${request.method} ${request.headers.get("if-match") ?? ""}`.trim());
        return request.method === "HEAD"
          ? new Response(null, { headers: { "content-length": "1", ...headers } })
          : respond(request);
      },
    });
    return { store, sent };
  };

  it("sends If-Match, and leaves it out for a server that does not know it", async () => {
    const known = deletingStore({ etag: '"1"' }, () => new Response(null, { status: 204 }));
    await known.store.delete("bucket/key", { ifMatch: '"1"' });
    expect(known.sent).toEqual(["HEAD", 'DELETE "1"']);
    const unknown = deletingStore({ etag: '"1"' }, ({ headers }) =>
      headers.has("if-match") ? new Response(null, { status: 501 }) : new Response(null, { status: 204 }),
    );
    await unknown.store.delete("bucket/key", { ifMatch: '"1"' });
    expect(unknown.sent).toEqual(["HEAD", 'DELETE "1"', "DELETE"]);
  });

  it("rejects with `changed` if the server finds another object than the one that was compared", async () => {
    const { store } = deletingStore({ etag: '"1"' }, () => new Response(null, { status: 412 }));
    await expect(store.delete("bucket/key", { ifMatch: '"1"' })).rejects.toMatchObject({ code: "changed" });
  });

  it("rejects with `conflict` if the server exposes no ETag to compare", async () => {
    const { store, sent } = deletingStore({}, () => new Response(null, { status: 204 }));
    await expect(store.delete("bucket/key", { ifMatch: '"1"' })).rejects.toMatchObject({ code: "conflict" });
    expect(sent).toEqual(["HEAD"]);
  });

  it("succeeds where the server reports an object that does not exist, but not if the bucket is missing", async () => {
    const missing = (code: string) =>
      deletingStore({}, () => new Response(`<Error><Code>${code}</Code></Error>`, { status: 404 })).store;
    await missing("NoSuchKey").delete("bucket/key");
    await expect(missing("NoSuchBucket").delete("bucket/key")).rejects.toMatchObject({ code: "not-found" });
  });

  it("sends nothing for an invalid path or condition", async () => {
    const { store, sent } = deletingStore({}, () => new Response(null, { status: 204 }));
    await expect(store.delete("bucket")).rejects.toThrow(TypeError);
    await expect(store.delete("bucket/key", { ifMatch: "" })).rejects.toThrow(TypeError);
    await expect(store.head("bucket/")).rejects.toThrow(TypeError);
    await expect(store.copy("bucket/a", "bucket")).rejects.toThrow(TypeError);
    await expect(store.copy("bucket/a", "bucket/b", { put: "maybe" as never })).rejects.toThrow(TypeError);
    expect(sent).toEqual([]);
  });
});

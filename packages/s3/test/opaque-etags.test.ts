/** Lost responses on a server whose ETags are no MD5, as under SSE-KMS: only the mark tells whose write it was. */
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { encodeArchive, openArchive } from "@peekpack/core";
import {
  type FaultProxy,
  faults,
  freshBucket,
  type RequestPattern,
  type S3Server,
  s3Client,
  startFaultProxy,
  startS3,
} from "@peekpack/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type PutMode,
  presignedTarget,
  presignUpload,
  type S3Store,
  s3Store,
  type UploadTarget,
} from "../src/index.js";
import { type UploadState, uploadContent } from "../src/internal.js";
import { expectBytes, noise } from "./live-servers.js";

const partSize = 5 * 2 ** 20;
const large = noise(partSize + 1000);
const small = noise(20_000);
const content = (bytes: Uint8Array) => ({
  size: bytes.length,
  read: async (start: number, end: number) => bytes.slice(start, end),
});
const commits: Record<string, { readonly bytes: Uint8Array; readonly when: RequestPattern }> = {
  "the only PUT": { bytes: small, when: { method: "PUT" } },
  "the completion": { bytes: large, when: { method: "POST", query: "uploadId" } },
};
const retry = { attempts: 3, baseMs: 2 };

let server: S3Server;
let proxy: FaultProxy;
let client: S3Client;
let bucket: string;
let key: string;
let keys = 0;
const stores: Record<string, S3Store> = {};
beforeAll(async () => {
  server = await startS3({ require: "stand-in", standIn: { etags: "opaque" } });
  proxy = await startFaultProxy(server);
  client = s3Client(server);
  bucket = await freshBucket(server, "opaque");
  for (const writer of ["sdk", "fetch"] as const) {
    stores[writer] = s3Store({ ...server, endpoint: proxy.endpoint, writer, retry });
  }
});
beforeEach(() => {
  proxy.clear();
  key = `object ${keys++}`;
});
afterAll(async () => {
  client.destroy();
  await proxy.close();
  await server.close();
});

const stored = async (): Promise<Uint8Array> =>
  (await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))).Body!.transformToByteArray();
const putOld = async (): Promise<string> =>
  (await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: "old" }))).ETag!;
const upload = (target: UploadTarget, bytes: Uint8Array, more = {}) =>
  uploadContent(target, content(bytes), { partSize, threshold: 100_000, ...more });
const target = (writer: string, put: PutMode): UploadTarget =>
  stores[writer]!.target(`${bucket}/${key}`, { put });
const presigned = (put: PutMode, sign?: (headers: Record<string, string>) => Record<string, string>) =>
  presignedTarget(
    ({ headers, ...request }) =>
      presignUpload(stores.fetch!, `${bucket}/${key}`, {
        ...request,
        headers: sign === undefined ? headers : sign({ ...headers }),
      }),
    { put, retry },
  );

describe.each(Object.entries(commits))("a lost response to %s", (step, { bytes, when }) => {
  describe.each(["sdk", "fetch", "presigned"])("by %s", (writer) => {
    const to = (put: PutMode) => (writer === "presigned" ? presigned(put) : target(writer, put));

    it("is recognized with put: create", async () => {
      const rule = proxy.add({ when, fault: faults.resetProcessed(), times: 1 });
      const made = await upload(to("create"), bytes);
      expect(rule.hits).toBe(1);
      expect(made).toEqual({ size: bytes.length, etag: expect.any(String) });
      expectBytes(await stored(), bytes);
    });

    it("is recognized with put: { ifMatch }", async () => {
      const etag = await putOld();
      proxy.add({ when, fault: faults.resetProcessed(), times: 1 });
      expect(await upload(to({ ifMatch: etag }), bytes)).toMatchObject({ size: bytes.length });
      expectBytes(await stored(), bytes);
    });

    it("is not taken for one's own write if another writer wrote an object of the same size", async () => {
      const others = noise(bytes.length, 99);
      const write = async () => {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: others }));
      };
      proxy.add({ when, fault: faults.before(write), times: 1 });
      await expect(upload(to("create"), bytes)).rejects.toMatchObject({ code: "exists" });
      expectBytes(await stored(), others);
    });
  });

  it("is recognized by a later process that has the mark", async () => {
    let state: UploadState | undefined;
    const journal = {
      begun: async (begun: UploadState["upload"], size: number) => {
        state = { upload: begun, partSize: size, parts: [] };
      },
      uploaded: async (part: UploadState["parts"][number]) => {
        state = { ...state!, parts: [...state!.parts, part] };
      },
      committing: async () => {},
      abandoned: async () => {},
    };
    const mark = crypto.randomUUID();
    const dying = s3Store({ ...server, endpoint: proxy.endpoint, retry: { attempts: 1 } });
    const rule = proxy.add({ when, fault: faults.resetProcessed() });
    // The look-up fails too, as if the process had been killed.
    const lookUp = proxy.add({ when: { method: "HEAD" }, fault: faults.resetBefore() });
    const dead = upload(dying.target(`${bucket}/${key}`, { put: "create" }), bytes, {
      journal,
      mark,
      keepParts: true,
    });
    await expect(dead).rejects.toMatchObject({ code: "network" });
    rule.remove();
    lookUp.remove();
    const resume = state && (JSON.parse(JSON.stringify(state)) as UploadState);
    expect(resume === undefined).toBe(step === "the only PUT");
    const made = await upload(target("fetch", "create"), bytes, { resume, mark, again: true });
    expect(made).toMatchObject({ size: bytes.length });
    expectBytes(await stored(), bytes);
  });
});

it("recognizes its write if a target around it repeats the request, as after being offline", async () => {
  const inner = target("fetch", "create");
  const repeating: UploadTarget = {
    ...inner,
    async putObject(body, options) {
      await inner.putObject(body, options);
      return inner.putObject(body, { ...options, again: true });
    },
  };
  expect(await upload(repeating, small)).toMatchObject({ size: small.length });
});

it("falls back to the ETag where a presigner does not sign the mark", async () => {
  const withoutMark = (headers: Record<string, string>) => {
    delete headers["x-amz-meta-peekpack-write"];
    return headers;
  };
  proxy.add({ when: { method: "PUT" }, fault: faults.resetProcessed(), times: 1 });
  // This server's ETags prove nothing.
  await expect(upload(presigned("create", withoutMark), small)).rejects.toMatchObject({ code: "exists" });
  expect(await upload(presigned("overwrite", withoutMark), small)).toMatchObject({ size: small.length });
  const plain = await startS3({ require: "stand-in" });
  const plainProxy = await startFaultProxy(plain);
  const store = s3Store({ ...plain, endpoint: plainProxy.endpoint });
  const path = `${await freshBucket(plain)}/object`;
  plainProxy.add({ when: { method: "PUT" }, fault: faults.resetProcessed(), times: 1 });
  const there = presignedTarget(
    ({ headers, ...request }) =>
      presignUpload(store, path, { ...request, headers: withoutMark({ ...headers }) }),
    { put: "create", retry },
  );
  expect(await upload(there, small)).toMatchObject({ size: small.length });
  await plainProxy.close();
  await plain.close();
});

describe.each(["sdk", "fetch"])("appending by %s", (writer) => {
  const child = (n: number) => ({ source: encodeArchive({ n }) });
  const long = { source: encodeArchive({ text: "x".repeat(17 * 2 ** 20) }) };

  it.each([
    ["a PUT", [child(1)], commits["the only PUT"]!.when],
    ["a completion", [child(1), long], commits["the completion"]!.when],
  ])("does not append twice if the response to %s is lost", async (_, first, when) => {
    const store = stores[writer]!;
    const path = `${bucket}/${key}`;
    await store.combine(path, first);
    const rule = proxy.add({ when, fault: faults.resetProcessed(), times: 1 });
    await store.append(path, [child(2)]);
    expect(rule.hits).toBe(1);
    const archive = await openArchive(store.source(path));
    expect(await archive.size()).toBe(first.length + 1);
  });
});

import { GetObjectCommand, ListMultipartUploadsCommand, type S3Client } from "@aws-sdk/client-s3";
import { freshBucket, s3Client } from "@peekpack/testing";
import { type MemoryTarget, memoryTarget } from "@peekpack/testing/contracts/memory-target";
import { type UploadTargetSubject, uploadTargetContract } from "@peekpack/testing/contracts/upload-target";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  clientTarget,
  type PresignRequest,
  type PutMode,
  presignedTarget,
  presignUpload,
  s3Store,
  type UploadTarget,
} from "../src/index.js";
import { noise, onEachServer } from "./live-servers.js";

const retry = { baseMs: 5 };

const memory = new Map<string, MemoryTarget>();
uploadTargetContract("memory", () => ({
  target(key, put) {
    const sibling = memory.get(key);
    const target = memoryTarget(`memory://${key}`, put, sibling);
    if (sibling === undefined) memory.set(key, target);
    return target;
  },
  async stored(key) {
    const bytes = memory.get(key)?.object;
    const etag = bytes && (await memoryTarget("", "overwrite").putObject(bytes)).etag;
    return bytes && { bytes, etag };
  },
  uploads: async () => [...memory.values()].reduce((sum, { uploads }) => sum + uploads.size, 0),
}));

await onEachServer("writing", (server) => {
  let bucket: string;
  let client: S3Client;
  beforeAll(async () => {
    bucket = await freshBucket(server, "write");
    client = s3Client(server);
  });
  afterAll(() => client.destroy());

  const stored: UploadTargetSubject["stored"] = async (Key) => {
    try {
      const { Body, ETag } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
      return { bytes: await Body!.transformToByteArray(), etag: ETag };
    } catch (error) {
      if ((error as Error).name === "NoSuchKey") return undefined;
      throw error;
    }
  };
  const uploads = async (): Promise<number> =>
    (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;

  const targets: Record<string, (key: string, put?: PutMode) => UploadTarget> = {
    "the SDK": (key, put) => s3Store({ ...server, retry, writer: "sdk" }).target(`${bucket}/${key}`, { put }),
    "signed fetch": (key, put) =>
      s3Store({ ...server, retry, writer: "fetch" }).target(`${bucket}/${key}`, { put }),
    "a client of the caller's": (key, put) =>
      clientTarget(client, { Bucket: bucket, Key: key }, { put, retry }),
    "URLs of presignUpload": (key, put) =>
      presignedTarget(
        (request) => presignUpload(s3Store(server), `${bucket}/${key}`, JSON.parse(JSON.stringify(request))),
        { label: `s3://${bucket}/${key}`, put, retry },
      ),
    "presigned URLs that cover no headers": (key, put) =>
      presignedTarget(({ method, query }) => s3Store(server).presign(`${bucket}/${key}`, { method, query }), {
        put,
      }),
  };

  for (const [name, make] of Object.entries(targets)) {
    uploadTargetContract(`${name} on ${server.kind}`, () => ({ target: make, stored, uploads }));
  }

  it("asks the presigner for its requests and never sends an unsigned x-amz- header", async () => {
    const asked: PresignRequest[] = [];
    const sent: Request[] = [];
    const target = presignedTarget(
      (request) => {
        asked.push(request);
        return s3Store(server).presign(`${bucket}/asked`, request);
      },
      {
        fetch(request) {
          sent.push(request.clone());
          return fetch(request);
        },
      },
    );
    await target.putObject(noise(10), { signal: AbortSignal.timeout(10_000) });
    expect(asked.map(({ operation, method }) => `${method} ${operation}`)).toEqual(["PUT PutObject"]);
    expect(asked[0]!.headers).toHaveProperty("x-amz-checksum-crc32");
    const signed = new URL(sent[0]!.url).searchParams.get("X-Amz-SignedHeaders")!.split(";");
    for (const name of sent[0]!.headers.keys()) {
      if (name.startsWith("x-amz-")) expect(signed).toContain(name);
    }
  });

  it("rejects with what the presigner throws", async () => {
    const mine = new Error("my backend is away");
    const target = presignedTarget(() => {
      throw mine;
    });
    await expect(target.putObject(noise(10))).rejects.toBe(mine);
  });
});

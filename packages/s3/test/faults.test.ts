import {
  GetObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import {
  type Fault,
  type FaultProxy,
  faults,
  freshBucket,
  type RequestPattern,
  s3Client,
  startFaultProxy,
} from "@peekpack/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type PutMode,
  presignedTarget,
  presignUpload,
  s3Store,
  type UploadTarget,
  type WriteRetryOptions,
} from "../src/index.js";
import { uploadContent } from "../src/internal.js";
import { expectBytes, noise, onEachServer } from "./live-servers.js";

const partSize = 5 * 2 ** 20;
const large = noise(partSize + 100_000);
const small = noise(20_000);
const old = noise(500, 7);

const content = (bytes: Uint8Array) => ({
  size: bytes.length,
  read: async (start: number, end: number) => bytes.slice(start, end),
});

/** The requests that an upload makes. */
const requests: Record<string, { readonly bytes: Uint8Array; readonly when: RequestPattern }> = {
  "the only PUT": { bytes: small, when: { method: "PUT" } },
  "the beginning": { bytes: large, when: { method: "POST", query: "uploads" } },
  "a part": { bytes: large, when: { method: "PUT", query: "partNumber", nth: 2 } },
  "the completion": { bytes: large, when: { method: "POST", query: "uploadId" } },
};

const responses: Record<string, () => Fault> = {
  "a reset before": faults.resetBefore,
  "a reset within the body": () => faults.resetInRequest(100),
  "a reset after processing": faults.resetProcessed,
  "a reset after the headers": faults.resetAfterHeaders,
  "a reset within the response": () => faults.resetWithin(10),
  "500": faults.serverError,
  "503 SlowDown": faults.slowDown,
  "429": () => faults.tooManyRequests(0),
  "200 with an error": () => ({ kind: "response", status: 200, code: "InternalError", message: "late" }),
};

await onEachServer("writing through faults", (server) => {
  let proxy: FaultProxy;
  let client: S3Client;
  let bucket: string;
  let key: string;
  let keys = 0;
  beforeAll(async () => {
    proxy = await startFaultProxy(server);
    client = s3Client(server);
    bucket = await freshBucket(server, "faults");
  });
  beforeEach(() => {
    proxy.clear();
    key = `object ${keys++}`;
  });
  afterAll(async () => {
    client.destroy();
    await proxy.close();
  });

  const stored = async (): Promise<Uint8Array | undefined> => {
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return await Body!.transformToByteArray();
    } catch (error) {
      if ((error as Error).name === "NoSuchKey") return undefined;
      throw error;
    }
  };
  const orphans = async (): Promise<number> =>
    (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }))).Uploads?.length ??
    0;
  type Writer = "sdk" | "fetch" | "presigned";
  const target = (
    writer: Writer,
    put: PutMode,
    retry: WriteRetryOptions = { attempts: 4, baseMs: 2 },
  ): UploadTarget => {
    const path = `${bucket}/${key}`;
    const access = { ...server, endpoint: proxy.endpoint };
    if (writer !== "presigned") return s3Store({ ...access, writer, retry }).target(path, { put });
    return presignedTarget((request) => presignUpload(s3Store(access), path, request), { put, retry });
  };
  const write = (writer: Writer, bytes: Uint8Array, put: PutMode, retry?: WriteRetryOptions) =>
    uploadContent(target(writer, put, retry), content(bytes), {
      partSize,
      threshold: 100_000,
      concurrency: 2,
    });
  const putOld = async (): Promise<string> => {
    const { ETag } = await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: old }));
    return ETag!;
  };

  // The logic is in the client. Real servers run only the cases that depend on them.
  const everyCase = server.kind === "stand-in";
  const cases = everyCase
    ? responses
    : { "a reset after processing": faults.resetProcessed, "500": faults.serverError };
  const writers: readonly Writer[] = everyCase ? ["sdk", "fetch", "presigned"] : ["sdk"];
  describe.each(writers)("by %s", (writer) => {
    describe.each(Object.entries(requests))("at %s", (step, { bytes, when }) => {
      // Only a sweep finds an upload whose id was lost.
      const expectNoOrphan = async (lost: boolean): Promise<void> => {
        if (lost && step === "the beginning") {
          const swept = await s3Store(server).sweep(`${bucket}/${key}`, {
            olderThan: new Date(Date.now() + 60_000),
          });
          expect(swept.map((upload) => upload.key)).toEqual([key]);
        }
        expect(await orphans()).toBe(0);
      };

      it.each(Object.entries(cases))("writes the right object after %s", async (name, fault) => {
        // Only the request that makes the object appear has a response in XML whose end matters.
        const rule = proxy.add({ when, fault: fault(), times: 1 });
        const late = name === "200 with an error";
        const put: PutMode = late ? "overwrite" : "create";
        const made = await write(writer, bytes, put).catch((error: unknown) => error);
        expect(rule.hits).toBe(1);
        expect(made).toMatchObject({ size: bytes.length });
        expectBytes((await stored())!, bytes);
        await expectNoOrphan(/^a reset (after|within the response)/.test(name));
      });

      it("replaces the right version although the response is lost", async () => {
        const etag = await putOld();
        proxy.add({ when, fault: faults.resetProcessed(), times: 1 });
        await write(writer, bytes, { ifMatch: etag });
        expectBytes((await stored())!, bytes);
        await expectNoOrphan(true);
      });

      it("rejects with `network` if the fault persists, and leaves the old object", async () => {
        await putOld();
        for (const fault of [faults.serverError(), faults.resetBefore()]) {
          const rule = proxy.add({ when: { ...when, nth: undefined }, fault });
          await expect(write(writer, bytes, "overwrite")).rejects.toMatchObject({ code: "network" });
          rule.remove();
          expectBytes((await stored())!, old);
          expect(await orphans()).toBe(0);
        }
      });

      it("rejects with `exists` if another writer created the object and the response is lost", async () => {
        // Another writer creates the object while this request fails.
        proxy.add({
          when,
          fault: faults.before(async () => {
            await putOld();
          }),
          times: 1,
        });
        await expect(write(writer, bytes, "create")).rejects.toMatchObject({ code: "exists" });
        expectBytes((await stored())!, old);
        expect(await orphans()).toBe(0);
      });
    });

    it.each(["a part", "the completion"])("times out at %s and retries", async (step) => {
      const { bytes, when } = requests[step]!;
      const rule = proxy.add({ when, fault: faults.stallBefore(), times: 1 });
      const short = { attempts: 4, baseMs: 2, timeoutMs: 3000, minimumRate: 1_000_000 };
      await write(writer, bytes, "create", short);
      expect(rule.hits).toBe(1);
      expectBytes((await stored())!, bytes);
      expect(await orphans()).toBe(0);
    });

    it("removes the parts although the first attempt fails", async () => {
      proxy.add({
        when: { method: "PUT", query: "partNumber" },
        fault: { kind: "response", status: 403, code: "AccessDenied" },
      });
      const rule = proxy.add({ when: { method: "DELETE" }, fault: faults.serverError(), times: 2 });
      await expect(write(writer, large, "overwrite")).rejects.toMatchObject({ code: "denied" });
      expect(rule.hits).toBe(2);
      expect(await orphans()).toBe(0);
    });

    it("renews expired credentials", async ({ skip }) => {
      skip(writer === "presigned", "who presigns has the credentials");
      proxy.add({ when: { method: "PUT", nth: 1 }, fault: faults.expiredToken() });
      let calls = 0;
      const store = s3Store({
        ...server,
        endpoint: proxy.endpoint,
        writer: writer as "sdk" | "fetch",
        credentials: async () => ({
          ...server.credentials,
          expiration: new Date(Date.now() + (calls++ > 100 ? 0 : 3_600_000)),
        }),
        retry: { baseMs: 2 },
      });
      await uploadContent(store.target(`${bucket}/${key}`), content(small));
      expectBytes((await stored())!, small);
      expect(calls).toBeGreaterThan(1);
    });
  });
});

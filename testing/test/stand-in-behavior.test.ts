import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { afterEach, describe, expect, it } from "vitest";
import { MIB, md5, patterned, refusal, xmlCode } from "../src/contracts/s3/subject.js";
import { freshBucket, s3Client } from "../src/s3/client.js";
import { type S3Server, startS3 } from "../src/s3/launcher.js";
import { sendRequest, signRequest } from "../src/s3/signing.js";
import type { StandInBehavior } from "../src/s3/stand-in/behavior.js";

let server: S3Server;
let client: S3Client;
let Bucket: string;

async function start(standIn: StandInBehavior): Promise<void> {
  server = await startS3({ require: "stand-in", standIn });
  client = s3Client(server, { maxAttempts: 1 });
  Bucket = await freshBucket(server);
}

afterEach(async () => {
  client.destroy();
  await server.close();
});

const put = async (Key: string, Body: Uint8Array | string): Promise<string> =>
  (await client.send(new PutObjectCommand({ Bucket, Key, Body }))).ETag!;
const create = async (Key: string): Promise<string> =>
  (await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))).UploadId!;
const upload = async (Key: string, UploadId: string, Body: string): Promise<string> =>
  (await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body }))).ETag!;
const complete = (Key: string, UploadId: string, ETag: string, IfMatch?: string) =>
  client.send(
    new CompleteMultipartUploadCommand({
      Bucket,
      Key,
      UploadId,
      IfMatch,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
    }),
  );
/** Prepares a completion of an upload to `Key`. */
async function ready(Key: string, body: string): Promise<(IfMatch: string) => Promise<unknown>> {
  const id = await create(Key);
  const etag = await upload(Key, id, body);
  return (IfMatch) => complete(Key, id, etag, IfMatch);
}

describe("the stand-in with a behavior", () => {
  it("refuses long suffix ranges with a 416 that states no size", async () => {
    await start({ longSuffixRanges: "refused" });
    await put("k", "0123456789");
    const get = async (range: string) =>
      sendRequest(await signRequest(server, { path: `${Bucket}/k`, headers: { range } }));
    const refused = await get("bytes=-11");
    expect([refused.status, xmlCode(refused.text)]).toEqual([416, "InvalidRange"]);
    expect(refused.headers["content-range"]).toBeUndefined();
    // As a number of its own: identifiers in the response may hold these digits by chance.
    expect(refused.text).not.toMatch(/\b10\b/);
    expect((await get("bytes=-10")).status).toBe(206);
    expect((await get("bytes=20-")).headers["content-range"]).toBe("bytes */10");
  });

  it.each([
    ["unstated", 416, undefined],
    ["empty", 206, "bytes 0--1/0"],
  ] as const)("responds to a range of an empty object: %s", async (emptyObjects, status, contentRange) => {
    await start({ emptyObjects });
    await put("k", "");
    for (const range of ["bytes=0-9", "bytes=-9"]) {
      const response = await sendRequest(
        await signRequest(server, { path: `${Bucket}/k`, headers: { range } }),
      );
      expect([response.status, response.headers["content-range"]]).toEqual([status, contentRange]);
    }
  });

  it("ignores the conditions of completions", async () => {
    await start({ completionConditions: "ignored" });
    await put("k", "old");
    await (await ready("k", "new"))('"0123456789abcdef0123456789abcdef"');
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: "k" }));
    expect(await Body!.transformToString()).toBe("new");
  });

  it("accepts two concurrent completions with the same racy condition, but no later one", async () => {
    await start({ completionConditions: "racy" });
    const old = await put("k", "old");
    const completions = [await ready("k", "one"), await ready("k", "two"), await ready("k", "three")];
    await Promise.all(completions.slice(0, 2).map((run) => run(old)));
    expect((await refusal(completions[2]!(old))).status).toBe(412);
  });

  it("lists uploads only for the empty prefix and for whole keys", async () => {
    await start({ uploadPrefixes: "exact" });
    await create("a/b");
    const list = async (Prefix: string): Promise<number> =>
      (await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix }))).Uploads?.length ?? 0;
    expect([await list(""), await list("a/"), await list("a/b")]).toEqual([1, 0, 1]);
  });

  it("responds NoSuchUpload to a listing without uploads", async () => {
    await start({ emptyUploadLists: "not-found" });
    const list = () => client.send(new ListMultipartUploadsCommand({ Bucket }));
    expect(await refusal(list())).toEqual({ status: 404, code: "NoSuchUpload" });
    await create("k");
    expect((await list()).Uploads).toHaveLength(1);
  });

  it.each([
    ["denied", { status: 403, code: "AccessDenied" }],
    ["length-required", { status: 411, code: "MissingContentLength" }],
  ] as const)("refuses copied parts: %s", async (copiedParts, expected) => {
    await start({ copiedParts });
    await put("source", patterned(6 * MIB));
    const UploadId = await create("k");
    const copy = { Bucket, Key: "k", UploadId, PartNumber: 1, CopySource: `${Bucket}/source` };
    expect(await refusal(client.send(new UploadPartCopyCommand(copy)))).toEqual(expected);
  });

  it("refuses aborts with 405", async () => {
    await start({ aborts: "refused" });
    const abort = new AbortMultipartUploadCommand({ Bucket, Key: "k", UploadId: await create("k") });
    expect(await refusal(client.send(abort))).toEqual({ status: 405, code: "MethodNotAllowed" });
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
    expect(Uploads).toHaveLength(1);
  });

  it("hides that an upload has ended", async () => {
    await start({ endedUploads: "vague" });
    const of = { Bucket, Key: "k", UploadId: await create("k") };
    await client.send(new AbortMultipartUploadCommand(of));
    await client.send(new AbortMultipartUploadCommand(of));
    expect((await client.send(new ListPartsCommand(of))).Parts).toBeUndefined();
    const part = new UploadPartCommand({ ...of, PartNumber: 1, Body: "x" });
    expect(await refusal(client.send(part))).toEqual({ status: 404, code: "NoSuchUpload" });
  });

  it("denies requests about an ended upload", async () => {
    await start({ endedUploads: "denied" });
    const of = { Bucket, Key: "k", UploadId: await create("k") };
    await client.send(new AbortMultipartUploadCommand(of));
    for (const command of [new ListPartsCommand(of), new AbortMultipartUploadCommand(of)])
      expect(await refusal(client.send(command as ListPartsCommand))).toEqual({
        status: 403,
        code: "AccessDenied",
      });
  });

  it("makes opaque ETags that work as conditions and in completions", async () => {
    await start({ etags: "opaque" });
    const [first, second] = [await put("k", "same"), await put("k", "same")];
    expect(first).toMatch(/^"[0-9a-f]{32}"$/);
    expect(new Set([first, second, `"${md5(Buffer.from("same"))}"`]).size).toBe(3);
    const stale = new PutObjectCommand({ Bucket, Key: "k", Body: "x", IfMatch: first });
    expect((await refusal(client.send(stale))).status).toBe(412);
    const id = await create("k");
    const etag = await upload("k", id, "part");
    expect(etag).not.toBe(`"${md5(Buffer.from("part"))}"`);
    const { ETag } = await complete("k", id, etag, second);
    expect(ETag).toMatch(/^"[0-9a-f]{32}-1"$/);
    expect((await client.send(new HeadObjectCommand({ Bucket, Key: "k" }))).ETag).toBe(ETag);
  });
});

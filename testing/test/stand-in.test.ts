import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { fingerprint, MIB, patterned, refusal, xmlCode } from "../src/contracts/s3/subject.js";
import { freshBucket, s3Client } from "../src/s3/client.js";
import { sendRequest, signRequest } from "../src/s3/signing.js";
import { type StandIn, startStandIn } from "../src/s3/stand-in/server.js";

let standIn: StandIn;
let client: S3Client;
let Bucket: string;

beforeAll(async () => {
  vi.stubEnv("TMPDIR", await mkdtemp(join(tmpdir(), "peekpack-test-")));
});

afterAll(async () => {
  await rm(tmpdir(), { recursive: true });
  vi.unstubAllEnvs();
});

beforeEach(async () => {
  standIn = await startStandIn();
  client = s3Client(standIn, { maxAttempts: 1 });
  Bucket = await freshBucket(standIn);
});

afterEach(async () => {
  client.destroy();
  await standIn.close();
});

const bytesOf = async (Key: string): Promise<Buffer> => {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
};

/** Files of spilled bodies in this file's temporary directory. */
const spilled = async (): Promise<string[]> =>
  (await readdir(tmpdir(), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);

describe("storage of the stand-in", () => {
  it("survives a crash and a restart, with uploads in progress", async () => {
    const bytes = patterned(6 * MIB, 1);
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: "parts" }));
    const part = { Bucket, Key: "parts", UploadId, PartNumber: 1 };
    const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: bytes }));
    await standIn.crash();
    await expect(bytesOf("parts")).rejects.toThrow();
    await standIn.restart();
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await client.send(new CompleteMultipartUploadCommand({ ...part, MultipartUpload }));
    expect(fingerprint(await bytesOf("parts"))).toBe(fingerprint(bytes));
  });

  it("drops a request in progress on a crash, and keeps the old object", async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "old" }));
    const signed = await signRequest(standIn, {
      method: "PUT",
      path: `${Bucket}/k`,
      headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD", "content-length": "1000" },
    });
    const socket = connect(Number(new URL(standIn.endpoint).port), "127.0.0.1");
    socket.on("error", () => {});
    const head = Object.entries(signed.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`PUT ${new URL(signed.url).pathname} HTTP/1.1\r\n${head.join("")}\r\nhalf`);
    const closed = new Promise((resolve) => socket.on("close", resolve));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await standIn.crash();
    await closed;
    await standIn.restart();
    expect((await bytesOf("k")).toString()).toBe("old");
  });

  it("writes large bodies to disk, and deletes them with the last reference", async () => {
    const source = patterned(8 * MIB, 2);
    await client.send(new PutObjectCommand({ Bucket, Key: "source", Body: source }));
    expect((await spilled()).length).toBe(1);
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: "copy" }));
    const { CopyPartResult } = await client.send(
      new UploadPartCopyCommand({
        Bucket,
        Key: "copy",
        UploadId,
        PartNumber: 1,
        CopySource: `${Bucket}/source`,
        CopySourceRange: "bytes=1-7000000",
      }),
    );
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: CopyPartResult?.ETag }] };
    await client.send(new CompleteMultipartUploadCommand({ Bucket, Key: "copy", UploadId, MultipartUpload }));
    // The copy shares its bytes with the deleted source.
    await client.send(new PutObjectCommand({ Bucket, Key: "source", Body: "small" }));
    expect(fingerprint(await bytesOf("copy"))).toBe(fingerprint(source.subarray(1, 7_000_001)));
    await client.send(new PutObjectCommand({ Bucket, Key: "copy", Body: "small" }));
    await expect.poll(spilled).toEqual([]);
  });

  it("finishes a read of an object that is replaced meanwhile", async () => {
    const bytes = patterned(20 * MIB, 3);
    await client.send(new PutObjectCommand({ Bucket, Key: "k", Body: bytes }));
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: "k" }));
    await client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "other" }));
    expect(fingerprint((await Body?.transformToByteArray()) ?? new Uint8Array())).toBe(fingerprint(bytes));
  });
});

describe("checks that S3 makes and other servers do not", () => {
  it("rejects unsigned x-amz- headers", async () => {
    const signed = await signRequest(standIn, { method: "PUT", path: `${Bucket}/k`, body: "x" });
    const response = await sendRequest({ ...signed, headers: { ...signed.headers, "x-amz-meta-more": "1" } });
    expect([response.status, xmlCode(response.text)]).toEqual([403, "AccessDenied"]);
  });

  it("rejects copying a range of a source of 5 MiB or less", async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: "small", Body: patterned(5 * MIB) }));
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: "copy" }));
    const copy = { Bucket, Key: "copy", UploadId, PartNumber: 1, CopySource: `${Bucket}/small` };
    const ranged = client.send(new UploadPartCopyCommand({ ...copy, CopySourceRange: "bytes=0-99" }));
    expect(await refusal(ranged)).toEqual({ status: 400, code: "InvalidRequest" });
    await client.send(new UploadPartCopyCommand(copy));
  });

  it("composes checksums of parts, and requires each at completion", async () => {
    const parts = [patterned(5 * MIB, 1), patterned(10, 2)];
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ Bucket, Key: "k", ChecksumAlgorithm: "SHA256" }),
    );
    const Parts = [];
    for (const [at, Body] of parts.entries()) {
      const PartNumber = at + 1;
      const command = new UploadPartCommand({
        Bucket,
        Key: "k",
        UploadId,
        PartNumber,
        Body,
        ChecksumAlgorithm: "SHA256",
      });
      const { ETag, ChecksumSHA256 } = await client.send(command);
      Parts.push({ PartNumber, ETag, ChecksumSHA256 });
    }
    const without = Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    const incomplete = new CompleteMultipartUploadCommand({
      Bucket,
      Key: "k",
      UploadId,
      MultipartUpload: { Parts: without },
    });
    expect(await refusal(client.send(incomplete))).toEqual({ status: 400, code: "InvalidRequest" });
    await client.send(
      new CompleteMultipartUploadCommand({ Bucket, Key: "k", UploadId, MultipartUpload: { Parts } }),
    );
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: "k", ChecksumMode: "ENABLED" }));
    expect(head.ChecksumSHA256).toMatch(/-2$/);
    expect(head.ChecksumType).toBe("COMPOSITE");
  });

  it("rejects a stream with a wrong checksum in its trailer, or with broken framing", async () => {
    const send = async (body: string) =>
      sendRequest(
        await signRequest(standIn, {
          method: "PUT",
          path: `${Bucket}/stream`,
          body,
          headers: {
            "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "content-encoding": "aws-chunked",
            "x-amz-decoded-content-length": "5",
            "x-amz-trailer": "x-amz-checksum-crc32",
            "content-length": String(body.length),
          },
        }),
      );
    const good = await send("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
    expect(good.status).toBe(200);
    expect((await bytesOf("stream")).toString()).toBe("hello");
    const wrong = await send("5\r\nhellO\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
    expect([wrong.status, xmlCode(wrong.text)]).toEqual([400, "BadDigest"]);
    const short = await send("4\r\nhell\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
    expect([short.status, xmlCode(short.text)]).toEqual([400, "IncompleteBody"]);
    const unended = await send("5\r\nhello\r\n");
    expect([unended.status, xmlCode(unended.text)]).toEqual([400, "IncompleteBody"]);
    const broken = await send("five\r\nhello\r\n0\r\n\r\n");
    expect(broken.status).toBe(400);
    expect((await bytesOf("stream")).toString()).toBe("hello");
  });

  it("rejects the wrong region and names the right one", async () => {
    const elsewhere = { ...standIn, region: "eu-central-1" };
    const response = await sendRequest(
      await signRequest(elsewhere, { path: Bucket, query: { "list-type": "2" } }),
    );
    expect([response.status, xmlCode(response.text)]).toEqual([400, "AuthorizationHeaderMalformed"]);
    expect(response.text).toContain("<Region>us-east-1</Region>");
  });

  it("responds NotImplemented to unsupported operations", async () => {
    const response = await sendRequest(await signRequest(standIn, { path: Bucket, query: { policy: "" } }));
    expect([response.status, xmlCode(response.text)]).toEqual([501, "NotImplemented"]);
  });
});

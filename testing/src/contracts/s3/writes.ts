import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { GetObjectCommand, PutObjectCommand, type PutObjectCommandInput } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { type RequestParts, sendRequest, signRequest } from "../../s3/signing.js";
import { fingerprint, MIB, patterned, put, refusal, type Subject, xmlCode } from "./subject.js";

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

/** Registers tests of failing writes, which must leave the old object: conditions, checksums, dying clients. */
export function writeTests(subject: Subject): void {
  const text = async (Key: string): Promise<string> => {
    const { client, bucket } = subject();
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return (await Body?.transformToString()) ?? "";
  };
  const tryPut = (Key: string, Body: string, more: Partial<PutObjectCommandInput>) =>
    put(subject(), Key, Body, more);

  describe("conditional PUT", () => {
    it("creates with If-None-Match: *, and responds 412 if the key exists", async () => {
      await tryPut("put/create", "first", { IfNoneMatch: "*" });
      expect(await refusal(tryPut("put/create", "second", { IfNoneMatch: "*" }))).toEqual({
        status: 412,
        code: "PreconditionFailed",
      });
      expect(await text("put/create")).toBe("first");
    });

    it("replaces with If-Match of the current ETag, and responds 412 to another", async () => {
      const first = await put(subject(), "put/swap", "first");
      await tryPut("put/swap", "second", { IfMatch: first });
      expect(await refusal(tryPut("put/swap", "third", { IfMatch: first }))).toEqual({
        status: 412,
        code: "PreconditionFailed",
      });
      expect(await text("put/swap")).toBe("second");
    });

    it("responds 404 to If-Match on a missing key", async () => {
      const IfMatch = '"0123456789abcdef0123456789abcdef"';
      expect(await refusal(tryPut("put/none", "x", { IfMatch }))).toEqual({ status: 404, code: "NoSuchKey" });
    });

    it("lets exactly one of many concurrent creators succeed", async () => {
      const tries = Array.from({ length: 8 }, (_, n) =>
        tryPut("put/race", `writer ${n}`, { IfNoneMatch: "*" }),
      );
      const settled = await Promise.allSettled(tries);
      const winners = settled.flatMap((result, n) => (result.status === "fulfilled" ? [n] : []));
      expect(winners.length).toBe(1);
      expect(await text("put/race")).toBe(`writer ${winners[0]}`);
      for (const result of settled)
        if (result.status === "rejected")
          expect([409, 412]).toContain(result.reason.$metadata?.httpStatusCode);
    });
  });

  describe("bodies and checksums", () => {
    const send = async (parts: RequestParts) => sendRequest(await signRequest(subject().access, parts));

    it("rejects a body that does not match the signed SHA-256", async () => {
      const { bucket } = subject();
      await put(subject(), "body/hash", "old");
      const response = await send({
        method: "PUT",
        path: `${bucket}/body/hash`,
        body: "new",
        headers: { "x-amz-content-sha256": sha256("other") },
      });
      expect(response.status).toBe(400);
      expect(await text("body/hash")).toBe("old");
    });

    const wrong: readonly [string, Record<string, string>][] = [
      ["Content-MD5", { "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" }],
      ["CRC32", { "x-amz-checksum-crc32": "AAAAAA==" }],
      ["CRC32C", { "x-amz-checksum-crc32c": "AAAAAA==" }],
      ["CRC64NVME", { "x-amz-checksum-crc64nvme": "AAAAAAAAAAA=" }],
      ["SHA256", { "x-amz-checksum-sha256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }],
    ];
    it.each(wrong)("rejects a body with a wrong %s, and keeps the old object", async (name, headers) => {
      const { bucket } = subject();
      const key = `body/checksum-${name}`;
      await put(subject(), key, "old");
      const unsigned = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD", ...headers };
      const response = await send({
        method: "PUT",
        path: `${bucket}/${key}`,
        body: "new bytes",
        headers: unsigned,
      });
      expect([response.status, xmlCode(response.text)]).toEqual([400, "BadDigest"]);
      expect(await text(key)).toBe("old");
    });

    it.each(["CRC32", "CRC32C", "CRC64NVME", "SHA256"] as const)(
      "accepts a body with the right %s",
      async (name) => {
        const { client, bucket } = subject();
        const bytes = patterned(100_000, 3);
        const key = `body/right-${name}`;
        await put(subject(), key, bytes, { ChecksumAlgorithm: name });
        const response = await client.send(
          new GetObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: "ENABLED" }),
        );
        // The client verifies the body against the stored checksum; this asserts that there is one.
        const bytesBack = await response.Body?.transformToByteArray();
        expect(fingerprint(bytesBack ?? new Uint8Array())).toBe(fingerprint(bytes));
        expect(response[`Checksum${name}`]).toMatch(/^[A-Za-z0-9+/]+=*$/);
      },
    );

    it("accepts a stream with its checksum in a trailer", async () => {
      const { client, bucket } = subject();
      const bytes = patterned(3 * MIB, 4);
      const pieces = Array.from({ length: 48 }, (_, n) => bytes.subarray(n * 65_536, (n + 1) * 65_536));
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: "body/stream",
          Body: Readable.from(pieces),
          ContentLength: bytes.length,
          ChecksumAlgorithm: "CRC32",
        }),
      );
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: "body/stream" }));
      expect(fingerprint((await Body?.transformToByteArray()) ?? new Uint8Array())).toBe(fingerprint(bytes));
    });

    /** Sends the first half of a body, then closes the connection. */
    const dieHalfWay = async (key: string, payloadHash: string, bytes: Buffer): Promise<void> => {
      const { access, bucket } = subject();
      const headers = { "x-amz-content-sha256": payloadHash, "content-length": String(bytes.length) };
      const signed = await signRequest(access, { method: "PUT", path: `${bucket}/${key}`, headers });
      await new Promise<void>((resolve) => {
        const outgoing = httpRequest(signed.url, {
          method: "PUT",
          headers: { ...signed.headers },
          agent: false,
        });
        outgoing.on("error", () => {});
        outgoing.on("close", () => resolve());
        outgoing.write(bytes.subarray(0, bytes.length / 2), () => setTimeout(() => outgoing.destroy(), 100));
      });
      // The server may process the request after the client has closed the connection.
      await sleep(500);
    };

    it("keeps the old object if a client dies within a hashed body", async () => {
      await put(subject(), "body/cut-hashed", "old");
      const bytes = patterned(2 * MIB, 5);
      await dieHalfWay("body/cut-hashed", sha256(bytes), bytes);
      expect(await text("body/cut-hashed")).toBe("old");
    });

    it("treats half of an unsigned body as recorded for this server", async () => {
      const { differences } = subject();
      await put(subject(), "body/cut-unsigned", "old");
      const bytes = patterned(2 * MIB, 6);
      await dieHalfWay("body/cut-unsigned", "UNSIGNED-PAYLOAD", bytes);
      const kept = await text("body/cut-unsigned");
      expect(kept === "old" ? "refused" : "committed").toBe(differences.truncatedUnsignedPut);
    });
  });
}

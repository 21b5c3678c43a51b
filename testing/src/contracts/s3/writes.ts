import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { GetObjectCommand, PutObjectCommand, type PutObjectCommandInput } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { type RequestParts, sendRequest, signRequest } from "../../s3/signing.js";
import { fingerprint, MIB, patterned, put, refusal, type Subject, xmlCode } from "./subject.js";

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

/** Registers the tests of writes that must fail without harm: conditions, checksums, clients that die. */
export function writeTests(subject: Subject): void {
  const text = async (Key: string): Promise<string> => {
    const { client, bucket } = subject();
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return (await Body?.transformToString()) ?? "";
  };
  const tryPut = (Key: string, Body: string, more: Partial<PutObjectCommandInput>) =>
    put(subject(), Key, Body, more);

  describe("conditional PUT", () => {
    it("creates with If-None-Match: *, and answers 412 when the key is there", async () => {
      await tryPut("put/create", "first", { IfNoneMatch: "*" });
      expect(await refusal(tryPut("put/create", "second", { IfNoneMatch: "*" }))).toEqual({
        status: 412,
        code: "PreconditionFailed",
      });
      expect(await text("put/create")).toBe("first");
    });

    it("replaces with If-Match of the present ETag, and answers 412 for another", async () => {
      const first = await put(subject(), "put/swap", "first");
      await tryPut("put/swap", "second", { IfMatch: first });
      expect(await refusal(tryPut("put/swap", "third", { IfMatch: first }))).toEqual({
        status: 412,
        code: "PreconditionFailed",
      });
      expect(await text("put/swap")).toBe("second");
    });

    it("answers 404 for If-Match on a key that is not there", async () => {
      const IfMatch = '"0123456789abcdef0123456789abcdef"';
      expect(await refusal(tryPut("put/none", "x", { IfMatch }))).toEqual({ status: 404, code: "NoSuchKey" });
    });

    it("lets one of many creators win", async () => {
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

  describe("bodies that are not what they should be", () => {
    const send = async (parts: RequestParts) => sendRequest(await signRequest(subject().access, parts));

    it("refuses bytes whose SHA-256 is not the signed one", async () => {
      const { bucket } = subject();
      await put(subject(), "body/hash", "old");
      const answer = await send({
        method: "PUT",
        path: `${bucket}/body/hash`,
        body: "new",
        headers: { "x-amz-content-sha256": sha256("other") },
      });
      expect(answer.status).toBe(400);
      expect(await text("body/hash")).toBe("old");
    });

    const wrong: readonly [string, Record<string, string>][] = [
      ["Content-MD5", { "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" }],
      ["CRC32", { "x-amz-checksum-crc32": "AAAAAA==" }],
      ["CRC32C", { "x-amz-checksum-crc32c": "AAAAAA==" }],
      ["CRC64NVME", { "x-amz-checksum-crc64nvme": "AAAAAAAAAAA=" }],
      ["SHA256", { "x-amz-checksum-sha256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }],
    ];
    it.each(wrong)("refuses bytes whose %s is wrong, and keeps the old object", async (name, headers) => {
      const { bucket } = subject();
      const key = `body/checksum-${name}`;
      await put(subject(), key, "old");
      const unsigned = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD", ...headers };
      const answer = await send({
        method: "PUT",
        path: `${bucket}/${key}`,
        body: "new bytes",
        headers: unsigned,
      });
      expect([answer.status, xmlCode(answer.text)]).toEqual([400, "BadDigest"]);
      expect(await text(key)).toBe("old");
    });

    it.each(["CRC32", "CRC32C", "CRC64NVME", "SHA256"] as const)(
      "takes bytes whose %s is right",
      async (name) => {
        const { client, bucket } = subject();
        const bytes = patterned(100_000, 3);
        const key = `body/right-${name}`;
        await put(subject(), key, bytes, { ChecksumAlgorithm: name });
        const answer = await client.send(
          new GetObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: "ENABLED" }),
        );
        // The client checks the bytes against the checksum that the server kept; here, that there was one to check.
        const bytesBack = await answer.Body?.transformToByteArray();
        expect(fingerprint(bytesBack ?? new Uint8Array())).toBe(fingerprint(bytes));
        expect(answer[`Checksum${name}`]).toMatch(/^[A-Za-z0-9+/]+=*$/);
      },
    );

    it("takes a stream, whose checksum comes in a trailer", async () => {
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

    /** Sends the first half of a body, and then breaks the connection. */
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
      // What the server makes of it, it makes after the client has gone.
      await sleep(500);
    };

    it("keeps the old object when a client dies half-way through a hashed body", async () => {
      await put(subject(), "body/cut-hashed", "old");
      const bytes = patterned(2 * MIB, 5);
      await dieHalfWay("body/cut-hashed", sha256(bytes), bytes);
      expect(await text("body/cut-hashed")).toBe("old");
    });

    it("does with half of an unsigned body what is known of this server", async () => {
      const { differences } = subject();
      await put(subject(), "body/cut-unsigned", "old");
      const bytes = patterned(2 * MIB, 6);
      await dieHalfWay("body/cut-unsigned", "UNSIGNED-PAYLOAD", bytes);
      const kept = await text("body/cut-unsigned");
      expect(kept === "old" ? "refused" : "committed").toBe(differences.truncatedUnsignedPut);
    });
  });
}

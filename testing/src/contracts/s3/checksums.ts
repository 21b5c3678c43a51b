import { type ChecksumAlgorithm, GetObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { digester } from "../../s3/stand-in/checksums.js";
import { TestUpload } from "./multipart.js";
import { fingerprint, MIB, patterned, refusal, type Subject } from "./subject.js";

const digest = async (name: "CRC32" | "CRC32C" | "CRC64NVME", bytes: Uint8Array): Promise<string> => {
  const all = digester(name.toLowerCase() as "crc32" | "crc32c" | "crc64nvme");
  all.update(bytes);
  return all.digest();
};

/** Registers tests of full-object checksums of multipart uploads. */
export function multipartChecksumTests(subject: Subject): void {
  const parts = [patterned(5 * MIB, 31), patterned(5 * MIB, 32), patterned(77, 33)];
  const whole = Buffer.concat(parts);

  const upload = async (key: string, algorithm: ChecksumAlgorithm) => {
    const made = await TestUpload.create(subject, key, {
      ChecksumAlgorithm: algorithm,
      ChecksumType: "FULL_OBJECT",
    });
    const sent = [];
    for (const number of [3, 1, 2])
      sent.push(
        await made.part(number, parts[number - 1] ?? Buffer.alloc(0), { ChecksumAlgorithm: algorithm }),
      );
    return { made, sent: sent.sort((a, b) => a.PartNumber - b.PartNumber) };
  };

  describe("full-object checksums of multipart uploads", () => {
    it.each(["CRC32", "CRC32C", "CRC64NVME"] as const)(
      "accepts and stores the right %s of the whole object",
      async (name) => {
        const { client, bucket: Bucket } = subject();
        const key = `checksums/${name}`;
        const { made, sent } = await upload(key, name);
        const value = await digest(name, whole);
        await made.complete(sent, { [`Checksum${name}`]: value, ChecksumType: "FULL_OBJECT" });
        const head = await client.send(new HeadObjectCommand({ Bucket, Key: key, ChecksumMode: "ENABLED" }));
        expect([head[`Checksum${name}`], head.ChecksumType]).toEqual([value, "FULL_OBJECT"]);
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key }));
        expect(fingerprint((await Body?.transformToByteArray()) ?? new Uint8Array())).toBe(
          fingerprint(whole),
        );
      },
    );

    it.each(["CRC32", "CRC32C", "CRC64NVME"] as const)(
      "rejects a wrong %s of the whole object",
      async (name) => {
        const { made, sent } = await upload(`checksums/wrong-${name}`, name);
        const value = await digest(name, whole.subarray(1));
        const wrong = { [`Checksum${name}`]: value, ChecksumType: "FULL_OBJECT" } as const;
        const { client, bucket: Bucket, differences } = subject();
        expect(await refusal(made.complete(sent, wrong))).toEqual(differences.wrongObjectChecksum);
        const head = client.send(new HeadObjectCommand({ Bucket, Key: made.key }));
        expect((await refusal(head)).status).toBe(404);
      },
    );

    it("rejects a part with a wrong checksum", async () => {
      const made = await TestUpload.create(subject, "checksums/part", { ChecksumAlgorithm: "CRC32" });
      expect(await refusal(made.part(1, parts[0] ?? Buffer.alloc(0), { ChecksumCRC32: "AAAAAA==" }))).toEqual(
        {
          status: 400,
          code: "BadDigest",
        },
      );
      await made.abort();
    });
  });
}

import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { Crc32c, Crc64Nvme } from "@aws-sdk/checksums/crc";
import type { Content } from "./content.js";
import { invalidRequest, S3Error } from "./s3-error.js";

/** The algorithms of S3's additional checksums, spelled as in header names. */
export const checksumAlgorithms = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"] as const;
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number];
export type ChecksumType = "COMPOSITE" | "FULL_OBJECT";

/** Checksum of an object or a part, base64. A composite one ends in "-n". */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
  readonly type: ChecksumType;
}

/** Name of an algorithm's XML element. */
export const checksumElement = (algorithm: ChecksumAlgorithm): string => `Checksum${algorithm.toUpperCase()}`;

export const checksumHeader = (algorithm: ChecksumAlgorithm): string => `x-amz-checksum-${algorithm}`;

/** @throws S3Error InvalidRequest for an unknown algorithm */
export function checksumAlgorithm(name: string): ChecksumAlgorithm {
  const found = checksumAlgorithms.find((algorithm) => algorithm === name.toLowerCase());
  if (found === undefined)
    throw invalidRequest(
      "Checksum algorithm provided is unsupported. Please try again with any of the valid types",
    );
  return found;
}

/** An incremental digest, base64. */
export interface Digester {
  update(bytes: Uint8Array): void;
  digest(): Promise<string>;
}

function nodeHash(name: string): Digester {
  const hash = createHash(name);
  return { update: (bytes) => void hash.update(bytes), digest: async () => hash.digest("base64") };
}

function awsChecksum(checksum: { update(bytes: Uint8Array): void; digest(): Promise<Uint8Array> }): Digester {
  return {
    update: (bytes) => checksum.update(bytes),
    digest: async () => Buffer.from(await checksum.digest()).toString("base64"),
  };
}

/** Starts a digest of the given algorithm. */
export function digester(algorithm: ChecksumAlgorithm): Digester {
  switch (algorithm) {
    case "crc32": {
      let value = 0;
      return {
        update: (bytes) => {
          value = crc32(bytes, value);
        },
        digest: async () => {
          const out = Buffer.alloc(4);
          out.writeUInt32BE(value);
          return out.toString("base64");
        },
      };
    }
    case "crc32c":
      return awsChecksum(new Crc32c());
    case "crc64nvme":
      return awsChecksum(new Crc64Nvme());
    default:
      return nodeHash(algorithm);
  }
}

/** S3's composite checksum of a multipart object: the digest of the parts' digests, and their number. */
export async function compositeChecksum(
  algorithm: ChecksumAlgorithm,
  parts: readonly string[],
): Promise<Checksum> {
  const all = digester(algorithm);
  for (const part of parts) all.update(Buffer.from(part, "base64"));
  return { algorithm, value: `${await all.digest()}-${parts.length}`, type: "COMPOSITE" };
}

/** The error for a body that does not match its checksum. */
export const badDigest = (algorithm: string): S3Error =>
  new S3Error(
    400,
    "BadDigest",
    `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
  );

/** MD5 (hex) of stored bytes, and their digest by `algorithm` (base64; empty without algorithm). */
export async function digestContent(
  content: Content,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<{ md5: string; digest: string }> {
  const md5 = createHash("md5");
  const other = algorithm === undefined ? undefined : digester(algorithm);
  for await (const bytes of content.read()) {
    md5.update(bytes);
    other?.update(bytes);
  }
  return { md5: md5.digest("hex"), digest: (await other?.digest()) ?? "" };
}

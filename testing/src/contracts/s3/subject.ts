import { createHash } from "node:crypto";
import { PutObjectCommand, type PutObjectCommandInput, type S3Client } from "@aws-sdk/client-s3";
import type { S3Access } from "../../s3/client.js";

/**
 * Where a server is known to do other than S3, and peekpack does not rely on it. The suite asserts what is stated
 * here, so that a server that changes is noticed.
 */
export interface S3Differences {
  /** The server's name, for the titles of the tests. */
  readonly name: string;
  /** What becomes of a PUT with an unsigned payload whose client dies half-way. S3 refuses it. */
  readonly truncatedUnsignedPut: "refused" | "committed";
  /** What an access key id that nobody has is answered. S3: 403 InvalidAccessKeyId. */
  readonly unknownKey: { readonly status: number; readonly code: string };
  /** Whether ListMultipartUploads goes on from the upload id that it gave as the next marker. S3 does. */
  readonly uploadIdMarker: "followed" | "refused";
  /** Whether a CORS rule that allows the headers "x-amz-*" allows x-amz-date. S3 does. */
  readonly corsHeaderPatterns: "known" | "unknown";
  /** What a completion is answered whose checksum of the whole object is wrong. S3: 400 BadDigest. */
  readonly wrongObjectChecksum: { readonly status: number; readonly code: string };
}

/** What the tests act upon; valid within tests, not while they are registered. */
export interface S3Subject {
  readonly access: S3Access;
  readonly client: S3Client;
  readonly bucket: string;
  readonly differences: S3Differences;
}

export type Subject = () => S3Subject;

export const MIB: number = 1 << 20;

/** Bytes that differ from place to place and from seed to seed. */
export function patterned(size: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let state = (seed * 2654435761) >>> 0 || 1;
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** Compares large bodies without printing them. */
export const fingerprint = (bytes: Uint8Array): string =>
  `${bytes.length} bytes, sha256 ${createHash("sha256").update(bytes).digest("hex")}`;

export const md5 = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("hex");

/** The status and code of a refusal. @throws when the promise is kept */
export async function refusal(promise: Promise<unknown>): Promise<{ status: number; code: string }> {
  try {
    await promise;
  } catch (error) {
    const { $metadata, name } = error as { $metadata?: { httpStatusCode?: number }; name: string };
    if ($metadata?.httpStatusCode === undefined) throw error;
    return { status: $metadata.httpStatusCode, code: name };
  }
  throw new Error("the request was not refused");
}

/** Puts an object. @returns its ETag, quoted */
export async function put(
  { client, bucket }: S3Subject,
  Key: string,
  Body: Uint8Array | string,
  more: Partial<PutObjectCommandInput> = {},
): Promise<string> {
  const { ETag } = await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ...more }));
  if (ETag === undefined) throw new Error("a PUT was answered without an ETag");
  return ETag;
}

/** The code in an error's XML. */
export const xmlCode = (text: string): string | undefined => /<Code>([^<]*)<\/Code>/.exec(text)?.[1];

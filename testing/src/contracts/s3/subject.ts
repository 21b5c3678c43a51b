import { createHash } from "node:crypto";
import { PutObjectCommand, type PutObjectCommandInput, type S3Client } from "@aws-sdk/client-s3";
import type { S3Access } from "../../s3/client.js";

/**
 * Known differences between a server and S3 on which peekpack does not rely. The suite asserts them, so that it fails when
 * a server changes.
 */
export interface S3Differences {
  /** The server's name, for test titles. */
  readonly name: string;
  /** Effect of a PUT with an unsigned payload whose client dies within the body. S3: refused. */
  readonly truncatedUnsignedPut: "refused" | "committed";
  /** Response to an unknown access key id. S3: 403 InvalidAccessKeyId. */
  readonly unknownKey: { readonly status: number; readonly code: string };
  /** Whether ListMultipartUploads accepts the upload id that it returned as the next marker. S3: followed. */
  readonly uploadIdMarker: "followed" | "refused";
  /** Whether a CORS rule for the headers "x-amz-*" allows x-amz-date. S3: known. */
  readonly corsHeaderPatterns: "known" | "unknown";
  /** Response to a completion with a wrong checksum of the whole object. S3: 400 BadDigest. */
  readonly wrongObjectChecksum: { readonly status: number; readonly code: string };
  /** Whether a DELETE deletes an object only if it has the ETag of If-Match. S3: honored. */
  readonly conditionalDelete: "honored" | "ignored";
  /** Whether the server has PutBucketCors. Default: supported. */
  readonly cors?: "supported" | "unsupported" | undefined;
  /** Tests that the server fails, as "suite > title". The suite asserts that they fail. */
  readonly fails?: readonly string[] | undefined;
}

/** The server and bucket under test. Available within tests, not while tests are registered. */
export interface S3Subject {
  readonly access: S3Access;
  readonly client: S3Client;
  readonly bucket: string;
  readonly differences: S3Differences;
}

export type Subject = () => S3Subject;

export const MIB: number = 1 << 20;

/** Bytes that differ by offset and by seed. */
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

/** Awaits the rejection of a request. @returns its status and code @throws Error if the request succeeds */
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
  if (ETag === undefined) throw new Error("the response to a PUT has no ETag");
  return ETag;
}

/** The code in an error document. */
export const xmlCode = (text: string): string | undefined => /<Code>([^<]*)<\/Code>/.exec(text)?.[1];

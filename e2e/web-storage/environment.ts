import { createHash } from "node:crypto";
import { type ArchiveSink, type EncodeOptions, isPeekpackError, listOf, writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import {
  freshBucket,
  liveRequired,
  removeBucket,
  type S3Server,
  S3ServerAbsent,
  setCors,
  startS3,
} from "@peekpack/testing";
import { test } from "../browser-test.js";
import { rows } from "./rows.js";
import { type Site, serveSite } from "./site.js";

/** Size and SHA-256 of an archive. */
export interface Digest {
  readonly size: number;
  readonly sha256: string;
}

/** An S3 server, a bucket with CORS rules, and the site of the page. */
export interface Environment {
  readonly server: S3Server;
  readonly site: Site;
  readonly bucket: string;
  /** Digest of an object; undefined if there is none. */
  stored(path: string): Promise<Digest | undefined>;
  /** Number of unfinished multipart uploads of a key. */
  openUploads(path: string): Promise<number>;
  close(): Promise<void>;
}

/** Skips tests with a message. Fails them if live services are required. */
export function skipAsAbsent(reason: string, required: boolean = liveRequired()): void {
  if (required) throw new Error(reason);
  console.warn(`SKIPPED: ${reason}`);
  test.skip(true, reason);
}

/** Starts an environment. Undefined if there is no rustfs: the tests are skipped. */
export async function openEnvironment(): Promise<Environment | undefined> {
  let server: S3Server;
  try {
    server = await startS3({ require: "rustfs" });
  } catch (error) {
    if (!(error instanceof S3ServerAbsent)) throw error;
    skipAsAbsent(error.message);
    return undefined;
  }
  const site = await serveSite(server);
  const bucket = await freshBucket(server, "spool");
  await setCors(server, bucket, [site.origin]);
  return {
    server,
    site,
    bucket,
    async stored(path) {
      const source = s3Store(server).source(path);
      try {
        const { size } = await source.probe({ head: 0, tail: 0 });
        const hash = createHash("sha256");
        const step = 16 * 2 ** 20;
        for (let at = 0; at < size; at += step) {
          const [bytes] = await source.read([{ start: at, end: Math.min(size, at + step) }]);
          hash.update(bytes!);
        }
        return { size, sha256: hash.digest("hex") };
      } catch (error) {
        if (isPeekpackError(error) && error.code === "not-found") return undefined;
        throw error;
      }
    },
    async openUploads(path) {
      return (await s3Store(server).sweep(path, { olderThan: new Date(Date.now() + 60_000), dryRun: true }))
        .length;
    },
    async close() {
      await site.close();
      await removeBucket(server, bucket);
      await server.close();
    },
  };
}

/** Digest of the archive that a page writes from `count` rows. */
export async function expectedDigest(
  count: number,
  bytes: number,
  options: EncodeOptions = {},
): Promise<Digest> {
  const chunks: Uint8Array[] = [];
  const hash = createHash("sha256");
  let size = 0;
  const sink: ArchiveSink = {
    async write(chunk) {
      chunks.push(chunk);
    },
    async finish(header) {
      for (const chunk of [header, ...chunks]) {
        hash.update(chunk);
        size += chunk.length;
      }
      return { size };
    },
    async abort() {},
  };
  await writeArchive(sink, { rows: listOf(rows(count, bytes), { count }) }, options);
  return { size, sha256: hash.digest("hex") };
}

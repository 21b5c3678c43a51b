import { createHash } from "node:crypto";
import { type ArchiveSink, isPeekpackError, listOf, writeArchive } from "@peekpack/core";
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

/** A server, a bucket with CORS as a user would set it, and the page's site. */
export interface World {
  readonly server: S3Server;
  readonly site: Site;
  readonly bucket: string;
  /** What is at a path; undefined where nothing is. */
  stored(path: string): Promise<Digest | undefined>;
  /** How many multipart uploads of a key are not finished. */
  openUploads(path: string): Promise<number>;
  close(): Promise<void>;
}

/** Without what they need, tests count as skipped and say why; where live things are required, they fail. */
export function skipAsAbsent(why: string, required: boolean = liveRequired()): void {
  if (required) throw new Error(why);
  console.warn(`SKIPPED: ${why}`);
  test.skip(true, why);
}

/** Opens a world for tests; undefined where there is no rustfs, and the tests are skipped. */
export async function openWorld(): Promise<World | undefined> {
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

/** The archive that a page makes of so many rows, made here, into memory. */
export async function expectedDigest(count: number, bytes: number): Promise<Digest> {
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
  await writeArchive(sink, { rows: listOf(rows(count, bytes), { count }) });
  return { size, sha256: hash.digest("hex") };
}

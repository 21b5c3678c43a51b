import { readFileSync } from "node:fs";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { s3Store } from "@peekpack/s3";
import {
  freshBucket,
  removeBucket,
  type S3Access,
  type S3Server,
  S3ServerAbsent,
  s3Client,
  startFaultProxy,
  startS3,
} from "@peekpack/testing";
import type { Facts } from "./job.js";

/** An S3 server with a bucket for one benchmark. */
export interface Remote {
  readonly server: S3Server;
  readonly bucket: string;
  close(): Promise<void>;
}

/**
 * Starts versitygw, else any other S3 server. A rustfs built without optimization would be slower than the contestants.
 * @param log receives which server it is
 */
export async function startRemote(log: (line: string) => void): Promise<Remote> {
  const server = await startS3({ require: "versitygw" }).catch((error: unknown) => {
    if (error instanceof S3ServerAbsent) return startS3();
    throw error;
  });
  log(`on ${server.kind}: ${server.how}`);
  const bucket = await freshBucket(server, "bench");
  return {
    server,
    bucket,
    async close() {
      await removeBucket(server, bucket);
      await server.close();
    },
  };
}

/** Latency that a {@link SlowRemote} adds to each request. */
export const LATENCY_MS = 50;

/** A bucket behind a proxy that adds latency and counts. */
export interface SlowRemote {
  readonly bucket: string;
  /** The server, through the proxy. */
  readonly access: S3Access;
  /** Writes a file to a key. @returns a presigned URL through the proxy */
  put(key: string, file: string): Promise<string>;
  /** What a contest does around each lap: it counts requests and the bytes of their bodies. */
  readonly counting: { before(): void; after(): Facts };
  close(): Promise<void>;
}

/**
 * Starts a server as {@link startRemote} does, behind a proxy.
 * @param bytesPerSecond limit of the bandwidth. Default: none
 */
export async function startSlowRemote(
  log: (line: string) => void,
  bytesPerSecond?: number,
): Promise<SlowRemote> {
  const { server, bucket, close } = await startRemote(log);
  const proxy = await startFaultProxy(server, { network: { latencyMs: LATENCY_MS, bytesPerSecond } });
  const client = s3Client(server);
  const { endpoint, region, credentials } = proxy.access;
  const store = s3Store({ endpoint, region, credentials });
  return {
    bucket,
    access: proxy.access,
    async put(key, file) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: readFileSync(file) }));
      return store.presign(`${bucket}/${key}`);
    },
    counting: {
      before: () => proxy.reset(),
      after() {
        const { requests, bytesDown } = proxy.totals();
        return { requests, bodyBytes: bytesDown };
      },
    },
    async close() {
      client.destroy();
      await proxy.close();
      await close();
    },
  };
}

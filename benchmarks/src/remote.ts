import { freshBucket, removeBucket, type S3Server, S3ServerAbsent, startS3 } from "@peekpack/testing";

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

import { freshBucket, removeBucket, type S3Server, type S3ServerKind, startS3 } from "@peekpack/testing";

/** A server with a bucket for one benchmark. */
export interface Remote {
  readonly server: S3Server;
  readonly bucket: string;
  close(): Promise<void>;
}

/**
 * Starts an S3 server: the one that is preferred, where it is there, else whichever there is.
 * @param say told which it is
 */
export async function startRemote(
  say: (line: string) => void,
  prefer?: S3ServerKind | undefined,
): Promise<Remote> {
  const preferred =
    prefer === undefined ? undefined : await startS3({ require: prefer }).catch(() => undefined);
  const server = preferred ?? (await startS3());
  say(`on ${server.kind}: ${server.how}`);
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

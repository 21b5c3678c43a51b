import { openArchive, type RequestEvent } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { roundTrips } from "@peekpack/testing";
import type { Facts, Job, Jobs } from "../job.js";

/** An archive on S3. */
export interface RemoteArchive {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** "bucket/key" */
  readonly path: string;
}

/** Paths as arrays of keys. */
type Paths = readonly (readonly (string | number)[])[];

/** Each run opens the archive, reads the given paths, and counts round trips. */
async function reader(remote: RemoteArchive, keepIndex: boolean): Promise<Job> {
  const { path, ...access } = remote;
  const index = keepIndex ? (await openArchive(s3Store(access).source(path))).index() : undefined;
  let events: RequestEvent[] = [];
  return {
    async run(paths) {
      events = [];
      const archive = await openArchive(s3Store(access).source(path), {
        index,
        onRequest: (event) => events.push(event),
      });
      const values = await archive.readMany(paths as Paths);
      await archive.close();
      return values;
    },
    after: (): Facts => ({ "round trips": roundTrips(events) }),
  };
}

export const jobs: Jobs = {
  cold: (remote: RemoteArchive): Promise<Job> => reader(remote, false),
  withIndex: (remote: RemoteArchive): Promise<Job> => reader(remote, true),
};

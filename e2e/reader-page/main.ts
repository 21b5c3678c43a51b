/** A page that reads one value of an archive; Playwright calls {@link readLeaf} in it. */
import { openArchive, type ReadStats, type RequestEvent, type Value } from "@peekpack/core";
import { type S3Credentials, s3Store } from "@peekpack/s3";

/** The location of an archive: a presigned URL, or an object with credentials. */
export type ArchiveLocation =
  | { readonly url: string }
  | {
      readonly endpoint: string;
      readonly region: string;
      readonly credentials: S3Credentials;
      readonly path: string;
    };

export interface Leaf {
  readonly value: Value;
  readonly stats: ReadStats;
  readonly events: readonly RequestEvent[];
}

async function readLeaf(location: ArchiveLocation, path: string): Promise<Leaf> {
  const source = "url" in location ? location.url : s3Store(location).source(location.path);
  const events: RequestEvent[] = [];
  const archive = await openArchive(source, { onRequest: (event) => events.push(event) });
  const value = await archive.read(path);
  const { stats } = archive;
  await archive.close();
  return { value, stats, events };
}

declare global {
  interface Window {
    readonly readLeaf: typeof readLeaf;
  }
}
Object.assign(window, { readLeaf });

import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { S3Client } from "@aws-sdk/client-s3";
import { type ArchiveSink, listOf, mapOf, writeArchive } from "@peekpack/core";
import { type S3Store, s3Store } from "@peekpack/s3";
import type { Facts, Job, Jobs } from "../job.js";

const CHUNK = 1024 * 1024;
/** peekpack's defaults, also used for the peer. */
const PART_SIZE = 16 * 1024 * 1024;
const CONCURRENCY = 4;

interface Writing {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly bucket: string;
  readonly key: string;
}

interface Streaming extends Writing {
  /** Size of the stream: a multiple of 1 MiB. */
  readonly size: number;
}

/** Distinct chunks of 1 MiB, each a new array. */
function* chunks(size: number): Generator<Uint8Array<ArrayBuffer>> {
  const pattern = new Uint8Array(CHUNK);
  for (let i = 0; i < CHUNK; i++) pattern[i] = Math.imul(i, 2654435761) >>> 24;
  for (let at = 0; at < size; at += CHUNK) {
    const chunk = pattern.slice();
    new DataView(chunk.buffer).setFloat64(0, at);
    yield chunk;
  }
}

/** Bytes that this process has written to disks; NaN if the system does not report it. */
function diskBytes(): number {
  try {
    return Number(/^write_bytes: (\d+)/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
  } catch {
    return Number.NaN;
  }
}

/** A job that also reports bytes written to local disks. */
function counting(run: () => Promise<unknown>): Job {
  let before = 0;
  return {
    before() {
      before = diskBytes();
    },
    run,
    after(): Facts {
      const written = diskBytes() - before;
      return Number.isNaN(written) ? {} : { diskBytes: written };
    },
  };
}

const storeOf = ({ endpoint, region, credentials }: Writing): S3Store =>
  s3Store({ endpoint, region, credentials });

async function uploadRaw(access: Writing, body: Iterable<Uint8Array>): Promise<void> {
  const { Upload } = await import("@aws-sdk/lib-storage");
  const { endpoint, region, credentials, bucket, key } = access;
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  await new Upload({
    client,
    params: { Bucket: bucket, Key: key, Body: Readable.from(body, { objectMode: false }) },
    partSize: PART_SIZE,
    queueSize: CONCURRENCY,
  }).done();
  client.destroy();
}

export const jobs: Jobs = {
  /** Streams an archive with the chunks as a list of byte strings. */
  sink(streaming: Streaming): Job {
    const { bucket, key, size } = streaming;
    const store = storeOf(streaming);
    return counting(async () => {
      const sink: ArchiveSink = store.sink(`${bucket}/${key}`);
      await writeArchive(
        sink,
        mapOf([["chunks", listOf(chunks(size), { count: size / CHUNK })]], { count: 1 }),
      );
    });
  },
  /** Uploads the chunks by the SDK. */
  upload: (streaming: Streaming): Job => counting(() => uploadRaw(streaming, chunks(streaming.size))),
  /** Writes a combined archive with one child of about `size` bytes. */
  base(streaming: Streaming): Job {
    const { bucket, key, size } = streaming;
    const store = storeOf(streaming);
    return {
      async run() {
        await writeArchive(store.sink(`${bucket}/child`), listOf(chunks(size), { count: size / CHUNK }));
        await store.combine(`${bucket}/${key}`, [{ name: "base", source: `${bucket}/child` }]);
      },
    };
  },
  /** Appends a byte string to a combined archive, with a new name in each run. */
  append(writing: Writing & { readonly size: number }): Job {
    const { bucket, key, size } = writing;
    const store = storeOf(writing);
    let run = 0;
    return counting(() =>
      store.append(`${bucket}/${key}`, [{ name: `child ${run++}`, value: new Uint8Array(size).fill(run) }]),
    );
  },
};

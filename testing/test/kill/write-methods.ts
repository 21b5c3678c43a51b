import {
  type ArchiveSink,
  appendArchives,
  combineArchives,
  encodeArchive,
  memorySink,
  writeArchive,
} from "@peekpack/core";
import { pendingUploads, resumeUpload, spoolSink } from "@peekpack/node-storage";
import { type PutMode, type S3Store, s3Store } from "@peekpack/s3";
import type { S3Access } from "../../src/s3/client.js";

const MiB = 2 ** 20;
const PART = 5 * MiB;

/** Distinct blocks of 1 MiB, and a shorter one. */
const blocks = (count: number): Readonly<Record<string, unknown>> => ({
  big: Array.from({ length: count + 1 }, (_, i) => new Uint8Array(i < count ? MiB : 200_000).fill(i + 1)),
  end: "new",
});
const small = blocks(0);
/** Uploads as one part of the minimum size and a short one. */
const large = blocks(5);
/** When combined, the server copies a part of it after one of the minimum size that is uploaded. */
const larger = blocks(10);

/** The key of an archive that is combined with others. */
export const CHILD = "child";
const added = { name: "added", value: small };

/** One write, as plain data for the command line of a process. */
export interface WriteTask {
  readonly method: string;
  readonly access: S3Access;
  readonly bucket: string;
  readonly key: string;
  /** Write condition. Appending by a spool requires the version that it has read. */
  readonly put: PutMode;
  /** Directory of spools. */
  readonly directory: string;
  readonly durable: boolean;
  readonly attempts: number;
}

/** A task with its store. */
interface Job extends WriteTask {
  readonly store: S3Store;
  readonly path: string;
  /** Wraps a sink to observe its bytes. */
  readonly observe: (sink: ArchiveSink) => ArchiveSink;
}

/** A way to write an archive to S3. */
export interface WriteMethod {
  readonly writer: "sdk" | "fetch";
  /** Whether it uses a spool; otherwise nothing is stored on local disks. */
  readonly spooled: boolean;
  /** Number of parts; 0 means one PUT. */
  readonly parts: 0 | 2 | 3;
  /** Whether the server copies its second part. */
  readonly copies: boolean;
  /** Whether it appends to the old object. */
  readonly appends: boolean;
  readonly write: (job: Job) => Promise<unknown>;
  /** The old object. */
  readonly old: () => Promise<Uint8Array>;
  /** The new object. */
  readonly result: () => Promise<Uint8Array>;
}

const spool = ({ store, path, put, directory, durable, observe }: Job): ArchiveSink =>
  observe(
    spoolSink(store.target(path, { put }), {
      directory,
      durable,
      partSize: PART,
      threshold: MiB,
      concurrency: 2,
    }),
  );
const direct = ({ store, path, observe }: Job): ArchiveSink =>
  observe(store.sink(path, { partSize: PART, concurrency: 2 }));

const none = {
  spooled: false,
  parts: 2,
  copies: false,
  appends: false,
  old: async () => encodeArchive({ end: "old" }),
} as const;
const inMemory = async (write: (sink: ArchiveSink) => Promise<unknown>): Promise<Uint8Array> => {
  const sink = memorySink();
  await write(sink);
  return sink.bytes();
};
const largeArchive = async (): Promise<Uint8Array> => encodeArchive(large);
const smallArchive = async (): Promise<Uint8Array> => encodeArchive(small);
const combined = (value: unknown) => (): Promise<Uint8Array> =>
  inMemory((sink) => combineArchives(sink, [{ name: "first", source: encodeArchive(value) }]));
const grown = (old: () => Promise<Uint8Array>) => async (): Promise<Uint8Array> => {
  const source = await old();
  return inMemory((sink) => appendArchives({ source, sink }, [added]));
};

/** All write methods. */
export const writeMethods = {
  "a spool as one PUT": {
    ...none,
    writer: "sdk",
    spooled: true,
    parts: 0,
    write: (job) => writeArchive(spool(job), small),
    result: smallArchive,
  },
  "a spool in parts": {
    ...none,
    writer: "sdk",
    spooled: true,
    write: (job) => writeArchive(spool(job), large),
    result: largeArchive,
  },
  "a sink as one PUT": {
    ...none,
    writer: "sdk",
    parts: 0,
    write: (job) => writeArchive(direct(job), small),
    result: smallArchive,
  },
  "a sink as one PUT over fetch": {
    ...none,
    writer: "fetch",
    parts: 0,
    write: (job) => writeArchive(direct(job), small),
    result: smallArchive,
  },
  "a sink in parts": {
    ...none,
    writer: "sdk",
    write: (job) => writeArchive(direct(job), large),
    result: largeArchive,
  },
  combine: {
    ...none,
    writer: "fetch",
    parts: 3,
    copies: true,
    write: ({ store, path, bucket }) =>
      store.combine(path, [{ name: "copied", source: `${bucket}/${CHILD}` }, added], { concurrency: 2 }),
    result: () =>
      inMemory((sink) => combineArchives(sink, [{ name: "copied", source: encodeArchive(larger) }, added])),
  },
  append: {
    ...none,
    writer: "sdk",
    parts: 3,
    copies: true,
    appends: true,
    // The matrix counts the requests of the append itself, not those that try whether the server honors If-Match.
    write: ({ store, path }) => store.append(path, [added], { concurrency: 2, soleWriter: true }),
    old: combined(larger),
    result: grown(combined(larger)),
  },
  "an append by a spool": {
    ...none,
    writer: "fetch",
    spooled: true,
    appends: true,
    write: (job) => appendArchives({ source: job.store.source(job.path), sink: spool(job) }, [added]),
    old: combined(large),
    result: grown(combined(large)),
  },
} as const satisfies Record<string, WriteMethod>;
export type WriteMethodName = keyof typeof writeMethods;

/** The archive at {@link CHILD}. */
export const childArchive = async (): Promise<Uint8Array> => encodeArchive(larger);

/** A store with the number of attempts of the task. */
export function storeOf(
  { access, attempts }: Pick<WriteTask, "access" | "attempts">,
  method: WriteMethod,
): S3Store {
  return s3Store({ ...access, writer: method.writer, retry: { attempts, baseMs: 2 } });
}

/** Runs a write. */
export function startWrite(
  task: WriteTask,
  observe: (sink: ArchiveSink) => ArchiveSink = (sink) => sink,
): Promise<unknown> {
  const method: WriteMethod = writeMethods[task.method as WriteMethodName];
  const store = storeOf(task, method);
  return method.write({ ...task, store, path: `${task.bucket}/${task.key}`, observe });
}

/** Resumes the single spool. */
export async function resumeWrite(task: WriteTask): Promise<unknown> {
  const [pending] = await pendingUploads({ directory: task.directory });
  const method: WriteMethod = writeMethods[task.method as WriteMethodName];
  const target = storeOf(task, method).target(`${task.bucket}/${task.key}`, { put: task.put });
  return resumeUpload(pending!, target, { concurrency: 2 });
}

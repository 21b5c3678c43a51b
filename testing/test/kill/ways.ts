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

/** Blocks of 1 MiB that differ, and a shorter one. */
const blocks = (count: number): Readonly<Record<string, unknown>> => ({
  big: Array.from({ length: count + 1 }, (_, i) => new Uint8Array(i < count ? MiB : 200_000).fill(i + 1)),
  end: "new",
});
const small = blocks(0);
/** A part of the least size, and a short one. */
const large = blocks(5);
/** The server copies a part of it, behind one of the least size that is put together here. */
const larger = blocks(10);

/** The key of an archive that is combined with others. */
export const CHILD = "child";
const added = { name: "added", value: small };

/** One write. Plain data: it is told to a process on its command line. */
export interface WriteOrder {
  readonly way: string;
  readonly access: S3Access;
  readonly bucket: string;
  readonly key: string;
  /** How the object is put; appending by a spool needs the version that it has read. */
  readonly put: PutMode;
  /** Where spools lie. */
  readonly directory: string;
  readonly durable: boolean;
  readonly attempts: number;
}

/** What a write works with. */
interface Job extends WriteOrder {
  readonly store: S3Store;
  readonly path: string;
  /** Told of every byte that goes into a sink. */
  readonly watched: (sink: ArchiveSink) => ArchiveSink;
}

/** One way to write an archive. */
export interface Way {
  readonly writer: "sdk" | "fetch";
  /** Whether it leaves a spool; else nothing of it is on this disk. */
  readonly spooled: boolean;
  /** In how many parts it goes up; 0: as one PUT. */
  readonly parts: 0 | 2 | 3;
  /** Whether the server copies its second part. */
  readonly copies: boolean;
  /** Whether it adds to what is there. */
  readonly appends: boolean;
  readonly write: (job: Job) => Promise<unknown>;
  /** The object before. */
  readonly old: () => Promise<Uint8Array>;
  /** The object that it makes. */
  readonly makes: () => Promise<Uint8Array>;
}

const spool = ({ store, path, put, directory, durable, watched }: Job): ArchiveSink =>
  watched(
    spoolSink(store.target(path, { put }), {
      directory,
      durable,
      partSize: PART,
      threshold: MiB,
      concurrency: 2,
    }),
  );
const direct = ({ store, path, watched }: Job): ArchiveSink =>
  watched(store.sink(path, { partSize: PART, concurrency: 2 }));

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

/** Every way to write. */
export const ways = {
  "a spool as one PUT": {
    ...none,
    writer: "sdk",
    spooled: true,
    parts: 0,
    write: (job) => writeArchive(spool(job), small),
    makes: smallArchive,
  },
  "a spool in parts": {
    ...none,
    writer: "sdk",
    spooled: true,
    write: (job) => writeArchive(spool(job), large),
    makes: largeArchive,
  },
  "a sink as one PUT": {
    ...none,
    writer: "sdk",
    parts: 0,
    write: (job) => writeArchive(direct(job), small),
    makes: smallArchive,
  },
  "a sink as one PUT over fetch": {
    ...none,
    writer: "fetch",
    parts: 0,
    write: (job) => writeArchive(direct(job), small),
    makes: smallArchive,
  },
  "a sink in parts": {
    ...none,
    writer: "sdk",
    write: (job) => writeArchive(direct(job), large),
    makes: largeArchive,
  },
  combine: {
    ...none,
    writer: "fetch",
    parts: 3,
    copies: true,
    write: ({ store, path, bucket }) =>
      store.combine(path, [{ name: "copied", source: `${bucket}/${CHILD}` }, added], { concurrency: 2 }),
    makes: () =>
      inMemory((sink) => combineArchives(sink, [{ name: "copied", source: encodeArchive(larger) }, added])),
  },
  append: {
    ...none,
    writer: "sdk",
    parts: 3,
    copies: true,
    appends: true,
    write: ({ store, path }) => store.append(path, [added], { concurrency: 2 }),
    old: combined(larger),
    makes: grown(combined(larger)),
  },
  "an append by a spool": {
    ...none,
    writer: "fetch",
    spooled: true,
    appends: true,
    write: (job) => appendArchives({ source: job.store.source(job.path), sink: spool(job) }, [added]),
    old: combined(large),
    makes: grown(combined(large)),
  },
} as const satisfies Record<string, Way>;
export type WayName = keyof typeof ways;

/** The archive at {@link CHILD}. */
export const childArchive = async (): Promise<Uint8Array> => encodeArchive(larger);

/** A store that gives up soon, or not before its requests were tried often. */
export function storeOf({ access, attempts }: Pick<WriteOrder, "access" | "attempts">, way: Way): S3Store {
  return s3Store({ ...access, writer: way.writer, retry: { attempts, firstDelay: 2 } });
}

/** Does a write. */
export function startWrite(
  order: WriteOrder,
  watched: (sink: ArchiveSink) => ArchiveSink = (sink) => sink,
): Promise<unknown> {
  const way: Way = ways[order.way as WayName];
  const store = storeOf(order, way);
  return way.write({ ...order, store, path: `${order.bucket}/${order.key}`, watched });
}

/** Goes on with the one spool that is left. */
export async function resumeWrite(order: WriteOrder): Promise<unknown> {
  const [pending] = await pendingUploads({ directory: order.directory });
  const way: Way = ways[order.way as WayName];
  const target = storeOf(order, way).target(`${order.bucket}/${order.key}`, { put: order.put });
  return resumeUpload(pending!, target, { concurrency: 2 });
}

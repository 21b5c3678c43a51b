import type { PutMode } from "@peekpack/s3";
import type { OpenUpload, UploadedPart } from "@peekpack/s3/internal";
import { promisifyRequest } from "idb-keyval";
import type { Database } from "./database.js";
import type { PartStorage } from "./part-store.js";
import { JOURNAL } from "./spool-database.js";
import { withStorageErrors } from "./storage-error.js";

/**
 * State of a spool. `unfinished`: the archive is incomplete; `sealed`: it is complete, and no part is on the server;
 * `uploading`: some parts are; `committing`: the request that stores the object may have been sent; `done`: the spool is to
 * be removed.
 */
export type SpoolState = "unfinished" | "sealed" | "uploading" | "committing" | "done";

/** A part that is complete on the disk. */
export interface SealedPart {
  /** Bytes; the first part's without the header. */
  readonly size: number;
  /** CRC32 of these bytes. */
  readonly crc32: number;
}

/** Metadata of a spool. Holds no credential. */
export interface SpoolHead {
  readonly layout: 1;
  readonly id: string;
  /** Label of the target. */
  readonly target: string;
  readonly put: PutMode;
  readonly storage: PartStorage;
  /** Size of every part but the last in bytes, header included. */
  readonly partSize: number;
  /** Milliseconds since 1970. */
  readonly begun: number;
  readonly state: SpoolState;
  /** The header of the archive, to be sent before the first part; known once the spool is sealed. */
  readonly header?: Uint8Array | undefined;
  /** The open multipart upload. */
  readonly upload?: OpenUpload | undefined;
  /** Code of the error that the last upload failed with. */
  readonly failure?: string | undefined;
  /** Whether parts were removed here, so that only the server has them. Recorded before the first removal. */
  readonly partsRemoved?: boolean | undefined;
  /** Abandoned uploads of which the server may still have parts. */
  readonly abandoned: readonly OpenUpload[];
}

/** All records of a spool. */
export interface SpoolRecord {
  readonly head: SpoolHead;
  /** By number, from 1. */
  readonly sealed: ReadonlyMap<number, SealedPart>;
  /** Parts that the server has confirmed for `head.upload`. */
  readonly uploaded: ReadonlyMap<number, UploadedPart>;
}

/**
 * The journal of a spool directory, in IndexedDB. Each step is a record, which is on the disk before the step counts. Only
 * the holder of a spool's lock writes its records.
 */
export interface SpoolJournal {
  list(): Promise<SpoolRecord[]>;
  read(id: string): Promise<SpoolRecord | undefined>;
  /** Writes the head. `newUpload` also forgets which parts are uploaded. */
  write(head: SpoolHead, newUpload?: boolean): Promise<void>;
  sealed(id: string, number: number, part: SealedPart): Promise<void>;
  uploaded(id: string, part: UploadedPart): Promise<void>;
  remove(id: string): Promise<void>;
}

// Keys: [id] for the head, [id, kind, number] for a part.
const SEALED = "s";
const UPLOADED = "u";
type Key = [string] | [string, typeof SEALED | typeof UPLOADED, number];

/** Makes a {@link SpoolJournal}. Reads nothing yet. */
export function spoolJournal(database: Database): SpoolJournal {
  const store = database.store(JOURNAL, "strict");
  const writing = "write the spool's journal";

  const put = (key: Key, value: unknown): Promise<void> =>
    withStorageErrors(writing, () =>
      store("readwrite", (records) => {
        records.put(value, key);
        return promisifyRequest(records.transaction);
      }),
    );

  const records = (range?: IDBKeyRange): Promise<SpoolRecord[]> =>
    withStorageErrors("read the journal of the spools", () =>
      store("readonly", async (from) => {
        const [keys, values] = await Promise.all([
          promisifyRequest(from.getAllKeys(range)) as Promise<Key[]>,
          promisifyRequest(from.getAll(range)) as Promise<unknown[]>,
        ]);
        return grouped(keys, values);
      }),
    );

  return {
    list: () => records(),
    read: async (id) => (await records(IDBKeyRange.bound([id], [id, []])))[0],
    write: (head, newUpload = false) =>
      withStorageErrors(writing, () =>
        store("readwrite", (to) => {
          to.put(head, [head.id]);
          if (newUpload) to.delete(IDBKeyRange.bound([head.id, UPLOADED], [head.id, UPLOADED, []]));
          return promisifyRequest(to.transaction);
        }),
      ),
    sealed: (id, number, part) => put([id, SEALED, number], part),
    uploaded: (id, part) => put([id, UPLOADED, part.number], part),
    remove: (id) =>
      withStorageErrors(writing, () =>
        store("readwrite", (from) => {
          from.delete(IDBKeyRange.bound([id], [id, []]));
          return promisifyRequest(from.transaction);
        }),
      ),
  };
}

/** Groups records by spool. Skips spools without a head, or with one of another layout. */
function grouped(keys: readonly Key[], values: readonly unknown[]): SpoolRecord[] {
  const all = new Map<
    string,
    { head: SpoolHead; sealed: Map<number, SealedPart>; uploaded: Map<number, UploadedPart> }
  >();
  // A head sorts before its parts.
  for (const [i, [id, kind, number]] of keys.entries()) {
    const value = values[i];
    if (kind === undefined) {
      const head = value as SpoolHead;
      if (head.layout === 1) all.set(id, { head, sealed: new Map(), uploaded: new Map() });
    } else if (kind === SEALED) all.get(id)?.sealed.set(number!, value as SealedPart);
    else all.get(id)?.uploaded.set(number!, value as UploadedPart);
  }
  return [...all.values()];
}

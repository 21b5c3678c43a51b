import type { PutMode } from "@peekpack/s3";
import type { OpenUpload, UploadedPart } from "@peekpack/s3/internal";
import { promisifyRequest } from "idb-keyval";
import type { Database } from "./database.js";
import type { PartStorage } from "./part-store.js";
import { JOURNAL } from "./spool-database.js";
import { stored } from "./storage-error.js";

/**
 * How far a spool has come. `unfinished`: the archive is not complete, and never will be where its writer is gone; `sealed`:
 * complete, nothing sent; `uploading`: parts are going up; `committing`: what makes the object appear has been sent;
 * `done`: there is nothing left to do but removing it.
 */
export type SpoolState = "unfinished" | "sealed" | "uploading" | "committing" | "done";

/** A part that is whole on the disk. */
export interface SealedPart {
  /** Bytes; the first part's without the header. */
  readonly size: number;
  /** CRC32 of these bytes. */
  readonly crc32: number;
}

/** What is known of a spool apart from its parts. Holds no credential. */
export interface SpoolHead {
  readonly layout: 1;
  readonly id: string;
  /** Label of the target. */
  readonly target: string;
  readonly put: PutMode;
  readonly storage: PartStorage;
  /** Bytes of every part but the last, the header included. */
  readonly partSize: number;
  /** Milliseconds since 1970. */
  readonly begun: number;
  readonly state: SpoolState;
  /** The archive's header, which goes in front of the first part; known once it is sealed. */
  readonly header?: Uint8Array | undefined;
  /** The multipart upload that has begun. */
  readonly upload?: OpenUpload | undefined;
  /** Code of the error that the upload failed with last. */
  readonly failure?: string | undefined;
  /** Whether parts were removed here, so that the server has the only copy of them. Noted before the first one is. */
  readonly partsRemoved?: boolean | undefined;
  /** Uploads that were given up and of which the server may still have parts. */
  readonly abandoned: readonly OpenUpload[];
}

/** All that the journal has of a spool. */
export interface SpoolRecord {
  readonly head: SpoolHead;
  /** By number, from 1. */
  readonly sealed: ReadonlyMap<number, SealedPart>;
  /** Those that the server has confirmed for `head.upload`. */
  readonly uploaded: ReadonlyMap<number, UploadedPart>;
}

/**
 * The journal of a spool directory, in IndexedDB: one small record for each step, on the disk before the step counts.
 * Each spool has one writer, the holder of its lock.
 */
export interface SpoolJournal {
  list(): Promise<SpoolRecord[]>;
  read(id: string): Promise<SpoolRecord | undefined>;
  /** Writes the head, and forgets which parts are uploaded where `anew`. */
  write(head: SpoolHead, anew?: boolean): Promise<void>;
  sealed(id: string, number: number, part: SealedPart): Promise<void>;
  uploaded(id: string, part: UploadedPart): Promise<void>;
  remove(id: string): Promise<void>;
}

// Keys: [id] for the head, [id, kind, number] for a part.
const SEALED = "s";
const UPLOADED = "u";
type Key = [string] | [string, typeof SEALED | typeof UPLOADED, number];

/** Opens the journal. Nothing is read yet. */
export function spoolJournal(database: Database): SpoolJournal {
  const store = database.store(JOURNAL, "strict");
  const noting = "keep the spool's journal";

  const put = (key: Key, value: unknown): Promise<void> =>
    stored(noting, () =>
      store("readwrite", (records) => {
        records.put(value, key);
        return promisifyRequest(records.transaction);
      }),
    );

  const records = (range?: IDBKeyRange): Promise<SpoolRecord[]> =>
    stored("read the spools' journal", () =>
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
    write: (head, anew = false) =>
      stored(noting, () =>
        store("readwrite", (to) => {
          to.put(head, [head.id]);
          if (anew) to.delete(IDBKeyRange.bound([head.id, UPLOADED], [head.id, UPLOADED, []]));
          return promisifyRequest(to.transaction);
        }),
      ),
    sealed: (id, number, part) => put([id, SEALED, number], part),
    uploaded: (id, part) => put([id, UPLOADED, part.number], part),
    remove: (id) =>
      stored(noting, () =>
        store("readwrite", (from) => {
          from.delete(IDBKeyRange.bound([id], [id, []]));
          return promisifyRequest(from.transaction);
        }),
      ),
  };
}

/** Puts what belongs together together. What has no head, or one of a later layout, is passed over. */
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

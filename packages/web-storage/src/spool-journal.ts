import { HEADER_SIZE } from "@peekpack/core";
import { SPOOL_LAYOUT, type UnusableSpool, type UploadedPart } from "@peekpack/s3/internal";
import { promisifyRequest } from "idb-keyval";
import type { Database } from "./database.js";
import {
  decodeHead,
  decodeSealed,
  decodeUploaded,
  encodeRecord,
  layoutOf,
  type SealedPart,
  type SpoolHead,
} from "./journal-record.js";
import { JOURNAL } from "./spool-database.js";
import { withStorageErrors } from "./storage-error.js";

/** All records of a spool. */
export interface SpoolRecord {
  readonly head: SpoolHead;
  /** By number, from 1. */
  readonly sealed: ReadonlyMap<number, SealedPart>;
  /** Parts that the server has confirmed for `head.upload`. */
  readonly uploaded: ReadonlyMap<number, UploadedPart>;
}

/** A spool that this version cannot use. */
export interface UnusableRecord extends UnusableSpool {
  readonly id: string;
}

/**
 * The journal of a spool directory, in IndexedDB. Each step is a record with a checksum, which is on the disk before the step
 * counts. Only the holder of a spool's lock writes its records.
 */
export interface SpoolJournal {
  list(): Promise<(SpoolRecord | UnusableRecord)[]>;
  read(id: string): Promise<SpoolRecord | UnusableRecord | undefined>;
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

  const put = (key: Key, value: SealedPart | UploadedPart): Promise<void> =>
    withStorageErrors(writing, () =>
      store("readwrite", (records) => {
        records.put(encodeRecord(value), key);
        return promisifyRequest(records.transaction);
      }),
    );

  const records = (range?: IDBKeyRange): Promise<(SpoolRecord | UnusableRecord)[]> =>
    withStorageErrors("read the journal of the spools", () =>
      store("readonly", async (from) => {
        const [keys, values] = await Promise.all([
          promisifyRequest(from.getAllKeys(range)),
          promisifyRequest(from.getAll(range)) as Promise<unknown[]>,
        ]);
        return decodeAll(keys, values);
      }),
    );

  return {
    list: () => records(),
    read: async (id) => (await records(IDBKeyRange.bound([id], [id, []])))[0],
    write: (head, newUpload = false) =>
      withStorageErrors(writing, () =>
        store("readwrite", (to) => {
          to.put(encodeRecord(head), [head.id]);
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

/** Groups records by spool and decodes them. One unusable spool does not affect the others. */
function decodeAll(
  keys: readonly IDBValidKey[],
  values: readonly unknown[],
): (SpoolRecord | UnusableRecord)[] {
  const groups = new Map<string, { readonly key: readonly IDBValidKey[]; readonly value: unknown }[]>();
  for (const [i, key] of keys.entries()) {
    if (!Array.isArray(key) || typeof key[0] !== "string") continue;
    const group = groups.get(key[0]) ?? [];
    groups.set(key[0], group);
    group.push({ key, value: values[i] });
  }
  return [...groups].map(([id, group]) => decodeSpool(id, group));
}

function decodeSpool(
  id: string,
  group: readonly { readonly key: readonly IDBValidKey[]; readonly value: unknown }[],
): SpoolRecord | UnusableRecord {
  const damaged = (problem: string): UnusableRecord => ({ id, unusable: "damaged", problem });
  const layout = group
    .map(({ value }) => layoutOf(value))
    .find((found) => found !== undefined && found !== SPOOL_LAYOUT);
  if (layout !== undefined) {
    const problem = `it has layout ${layout}, and this version reads layout ${SPOOL_LAYOUT}`;
    return { id, unusable: "unsupported", problem };
  }
  let head: SpoolHead | undefined;
  const sealed = new Map<number, SealedPart>();
  const uploaded = new Map<number, UploadedPart>();
  for (const { key, value } of group) {
    const [, kind, number] = key;
    if (key.length === 1) {
      head = decodeHead(value);
    } else if (kind === SEALED) {
      const part = decodeSealed(value);
      if (part === undefined) return damaged(`the record of sealed part ${String(number)} is damaged`);
      sealed.set(Number(number), part);
    } else {
      const part = decodeUploaded(value);
      if (part === undefined || kind !== UPLOADED || part.number !== number)
        return damaged(`the record of uploaded part ${String(number)} is damaged`);
      uploaded.set(part.number, part);
    }
  }
  if (head === undefined || head.id !== id) return damaged("the record of its state is damaged");
  const problem = partsProblem(head, sealed);
  return problem === undefined ? { head, sealed, uploaded } : damaged(problem);
}

/** Checks that the parts of a complete archive have no gap. */
function partsProblem(
  { state, header, partCount, partSize }: SpoolHead,
  sealed: ReadonlyMap<number, SealedPart>,
): string | undefined {
  if (state === "unfinished" || state === "done") return undefined;
  if (header === undefined || partCount === undefined) return "the record of its state is incomplete";
  if (sealed.size !== partCount) return `${sealed.size} of ${partCount} parts are recorded`;
  for (let number = 1; number <= partCount; number++) {
    const capacity = number === 1 ? partSize - HEADER_SIZE : partSize;
    const size = sealed.get(number)?.size ?? -1;
    if (number < partCount ? size !== capacity : size < 0 || size > capacity) {
      return `the size of part ${number} is wrong`;
    }
  }
  return undefined;
}

import { HEADER_SIZE, PeekpackError } from "@peekpack/core";
import { crc32 } from "@peekpack/core/internal";
import { S3_LIMITS, type UploadTarget } from "@peekpack/s3";
import { choosePartStore } from "./choose-part-store.js";
import type { SpoolHead } from "./journal-record.js";
import { acquireLock, spoolLockName } from "./locks.js";
import type { PartWriter } from "./part-store.js";
import { acquiredSpool, type Spool, spoolConflict } from "./spool.js";
import { spoolDatabase } from "./spool-database.js";
import { spoolJournal } from "./spool-journal.js";
import type { ResolvedSpoolOptions } from "./spool-options.js";
import { quotaError } from "./storage-error.js";
import { checkQuota, persistStorage } from "./storage-quota.js";

// Unit of writes: small enough for memory, and large enough that posting it to a worker costs little.
const BLOCK_BYTES = 2 ** 20;

/** Creates an empty spool. @throws PeekpackError `quota`, `denied` */
export async function createSpool(target: UploadTarget, options: ResolvedSpoolOptions): Promise<Spool> {
  const { directory, partSize, expectedSize, maxBytes } = options;
  const id = crypto.randomUUID();
  const lock = await acquireLock(spoolLockName(directory, id));
  if (lock === undefined) throw spoolConflict();
  const database = spoolDatabase(directory);
  try {
    if (options.persist) await persistStorage();
    await checkQuota(Math.min(expectedSize ?? partSize, maxBytes));
    const parts = await choosePartStore(directory, id, database, options);
    const head: SpoolHead = {
      id,
      target: target.label,
      put: target.put,
      storage: parts.storage,
      partSize,
      begun: Date.now(),
      state: "unfinished",
      abandoned: [],
    };
    const journal = spoolJournal(database);
    await journal.write(head);
    return acquiredSpool(
      { lock, database, journal, parts },
      { head, sealed: new Map(), uploaded: new Map() },
    );
  } catch (error) {
    database.close();
    lock.release();
    throw error;
  }
}

/** Splits an archive into parts. The first part leaves room for the header, which goes into the journal. */
export interface SpoolWriter {
  /** Bytes written. */
  readonly size: number;
  /** Copies `chunk`. */
  write(chunk: Uint8Array): Promise<void>;
  /** Seals the last part and the spool. Any page can upload it from then on. */
  seal(header: Uint8Array): Promise<void>;
  /** Abandons the part that is not sealed. */
  cancel(): Promise<void>;
}

/** Makes a {@link SpoolWriter}. */
export function spoolWriter(spool: Spool, { partSize, maxBytes }: ResolvedSpoolOptions): SpoolWriter {
  const { id } = spool.head;
  let size = 0;
  let number = 0;
  let part:
    | { readonly writer: PartWriter; readonly capacity: number; size: number; crc32: number }
    | undefined;
  let block: Uint8Array<ArrayBuffer> | undefined;
  let filled = 0;

  const beginPart = async (): Promise<NonNullable<typeof part>> => {
    number++;
    if (number > S3_LIMITS.parts) {
      throw new PeekpackError("limit", `The archive exceeds ${S3_LIMITS.parts} parts of ${partSize} bytes.`, {
        section: "spool",
      });
    }
    await checkQuota(partSize);
    const capacity = number === 1 ? partSize - HEADER_SIZE : partSize;
    return { writer: await spool.parts.begin(id, number), capacity, size: 0, crc32: 0 };
  };

  const flush = async (): Promise<void> => {
    if (block === undefined || filled === 0 || part === undefined) return;
    const bytes = block.subarray(0, filled);
    block = undefined;
    filled = 0;
    part.crc32 = crc32(bytes, part.crc32);
    await part.writer.append(bytes);
  };

  const sealPart = async (): Promise<void> => {
    if (part === undefined) return;
    await flush();
    await part.writer.seal();
    const { size, crc32 } = part;
    part = undefined;
    await spool.addPart(number, { size, crc32 });
  };

  return {
    get size() {
      return size;
    },
    async write(chunk) {
      if (HEADER_SIZE + size + chunk.length > maxBytes) {
        throw quotaError(`The archive exceeds maxBytes (${maxBytes}).`);
      }
      for (let at = 0; at < chunk.length; ) {
        part ??= await beginPart();
        block ??= new Uint8Array(BLOCK_BYTES);
        const taken = chunk.subarray(at, at + Math.min(BLOCK_BYTES - filled, part.capacity - part.size));
        block.set(taken, filled);
        filled += taken.length;
        part.size += taken.length;
        at += taken.length;
        size += taken.length;
        if (part.size === part.capacity) await sealPart();
        else if (filled === BLOCK_BYTES) await flush();
      }
    },
    async seal(header) {
      if (header.length !== HEADER_SIZE) throw new RangeError(`A header has ${HEADER_SIZE} bytes.`);
      await sealPart();
      await spool.update({ state: "sealed", header: header.slice(), partCount: spool.sealed.size });
    },
    async cancel() {
      const cancelled = part;
      part = undefined;
      block = undefined;
      await cancelled?.writer.cancel();
    },
  };
}

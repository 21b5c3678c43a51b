import { HEADER_SIZE, PeekpackError } from "@peekpack/core";
import { S3_LIMITS, type UploadTarget } from "@peekpack/s3";
import { chooseParts } from "./choose-parts.js";
import { type Crc32, crc32 } from "./crc32.js";
import { spoolLockName, takeLock } from "./locks.js";
import type { PartWriter } from "./part-store.js";
import { busy, type Spool, takeUp } from "./spool.js";
import { spoolDatabase } from "./spool-database.js";
import { type SpoolHead, spoolJournal } from "./spool-journal.js";
import type { ResolvedSpoolOptions } from "./spool-options.js";
import { noRoom } from "./storage-error.js";
import { ensureRoom, persistStorage } from "./storage-room.js";

// What goes to the disk at a time: small enough to wait in memory, large enough that handing it to a worker costs nothing.
const BLOCK = 2 ** 20;

/** Opens a spool that nothing has been written to. @throws PeekpackError `quota`, `denied` */
export async function openSpool(target: UploadTarget, options: ResolvedSpoolOptions): Promise<Spool> {
  const { directory, partSize, expectedSize, maxBytes } = options;
  const id = crypto.randomUUID();
  const lock = await takeLock(spoolLockName(directory, id));
  if (lock === undefined) throw busy();
  const database = spoolDatabase(directory);
  try {
    if (options.persist) await persistStorage();
    await ensureRoom(Math.min(expectedSize ?? partSize, maxBytes));
    const parts = await chooseParts(directory, id, database, options);
    const head: SpoolHead = {
      layout: 1,
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
    return takeUp({ lock, database, journal, parts }, { head, sealed: new Map(), uploaded: new Map() });
  } catch (error) {
    database.close();
    lock.release();
    throw error;
  }
}

/** Cuts what is written into parts. The first one leaves room for the header, which the journal gets at the end. */
export interface SpoolWriter {
  /** Bytes written so far. */
  readonly size: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Seals the last part, and the spool with the header: from then on it can be uploaded, also by another page. */
  seal(header: Uint8Array): Promise<void>;
  /** Gives up the part that is not sealed yet. */
  cancel(): Promise<void>;
}

/** Makes a {@link SpoolWriter}. */
export function spoolWriter(spool: Spool, { partSize, maxBytes }: ResolvedSpoolOptions): SpoolWriter {
  const { id } = spool.head;
  let size = 0;
  let number = 0;
  let part:
    | { readonly writer: PartWriter; readonly sum: Crc32; readonly room: number; size: number }
    | undefined;
  let block: Uint8Array<ArrayBuffer> | undefined;
  let filled = 0;

  const begin = async (): Promise<NonNullable<typeof part>> => {
    number++;
    if (number > S3_LIMITS.parts) {
      throw new PeekpackError("limit", `${S3_LIMITS.parts} parts of ${partSize} bytes are full.`, {
        section: "spool",
      });
    }
    await ensureRoom(partSize);
    const room = number === 1 ? partSize - HEADER_SIZE : partSize;
    return { writer: await spool.parts.begin(id, number), sum: crc32(), room, size: 0 };
  };

  const flush = async (): Promise<void> => {
    if (block === undefined || filled === 0 || part === undefined) return;
    const bytes = block.subarray(0, filled);
    block = undefined;
    filled = 0;
    part.sum.update(bytes);
    await part.writer.append(bytes);
  };

  const sealPart = async (): Promise<void> => {
    if (part === undefined) return;
    await flush();
    await part.writer.seal();
    const sealed = { size: part.size, crc32: part.sum.value() };
    part = undefined;
    await spool.note(number, sealed);
  };

  return {
    get size() {
      return size;
    },
    async write(chunk) {
      if (HEADER_SIZE + size + chunk.length > maxBytes) {
        throw noRoom(`The spool may take ${maxBytes} bytes, and the archive has more.`);
      }
      for (let at = 0; at < chunk.length; ) {
        part ??= await begin();
        block ??= new Uint8Array(BLOCK);
        const taken = chunk.subarray(at, at + Math.min(BLOCK - filled, part.room - part.size));
        block.set(taken, filled);
        filled += taken.length;
        part.size += taken.length;
        at += taken.length;
        size += taken.length;
        if (part.size === part.room) await sealPart();
        else if (filled === BLOCK) await flush();
      }
    },
    async seal(header) {
      if (header.length !== HEADER_SIZE) throw new RangeError(`A header has ${HEADER_SIZE} bytes.`);
      await sealPart();
      await spool.change({ state: "sealed", header: header.slice() });
    },
    async cancel() {
      const given = part;
      part = undefined;
      block = undefined;
      await given?.writer.cancel();
    },
  };
}

import { HEADER_SIZE, PeekpackError, type TableSpill } from "@peekpack/core";
import { crc32 } from "@peekpack/core/internal";
import { S3_LIMITS, type UploadTarget } from "@peekpack/s3";
import type { SpoolWriter } from "@peekpack/s3/internal";
import { BrowserSpool } from "./browser-spool.js";
import { chooseMedium } from "./choose-part-medium.js";
import type { PartWriter } from "./part-medium.js";
import type { ResolvedSpoolOptions } from "./spool-options.js";
import { quotaError } from "./storage-error.js";
import { checkQuota, persistStorage } from "./storage-quota.js";
import { tableNumbers, tableParts } from "./table-parts.js";

// Unit of writes: small enough for memory, and large enough that posting it to a worker costs little.
const BLOCK_BYTES = 2 ** 20;

/** Creates an empty spool. @throws PeekpackError `quota`, `denied` */
export async function createSpool(
  target: UploadTarget,
  options: ResolvedSpoolOptions,
): Promise<BrowserSpool> {
  const { directory, partSize, expectedSize, maxBytes } = options;
  const { label, put } = target;
  const spool = await BrowserSpool.acquire(directory, crypto.randomUUID());
  try {
    if (options.persist) await persistStorage();
    await checkQuota(Math.min(expectedSize ?? partSize, maxBytes));
    await spool.begin(
      { target: label, put, partSize, begun: Date.now(), state: "unfinished", abandoned: [] },
      (database) => chooseMedium(directory, spool.id, database, options),
    );
    return spool;
  } catch (error) {
    await spool.release();
    throw error;
  }
}

/** Splits an archive into parts. The first part leaves room for the header, which goes into the journal. */
export function spoolWriter(spool: BrowserSpool, { partSize, maxBytes }: ResolvedSpoolOptions): SpoolWriter {
  let size = 0;
  let number = 0;
  let part:
    | { readonly writer: PartWriter; readonly capacity: number; size: number; crc32: number }
    | undefined;
  let block: Uint8Array<ArrayBuffer> | undefined;
  let filled = 0;
  const nextTableNumber = tableNumbers();
  const spills: TableSpill[] = [];

  const beginPart = async (): Promise<NonNullable<typeof part>> => {
    number++;
    if (number > S3_LIMITS.parts) {
      throw new PeekpackError("limit", `The archive exceeds ${S3_LIMITS.parts} parts of ${partSize} bytes.`, {
        section: "spool",
      });
    }
    await checkQuota(partSize);
    const capacity = number === 1 ? partSize - HEADER_SIZE : partSize;
    return { writer: await spool.medium.begin(spool.id, number), capacity, size: 0, crc32: 0 };
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
    async append(chunk) {
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
      await sealPart();
      // Another length would shift the bytes of all parts.
      if (header.length !== HEADER_SIZE && (number > 1 || header.length + size > partSize)) {
        throw new RangeError(`The header of an archive of several parts has ${HEADER_SIZE} bytes.`);
      }
      await spool.seal(header);
    },
    async spill() {
      const spill = tableParts(spool.medium, spool.id, nextTableNumber);
      spills.push(spill);
      return spill;
    },
    async cancel() {
      const cancelled = part;
      part = undefined;
      block = undefined;
      await cancelled?.writer.cancel();
      // What they cannot remove is removed with the spool.
      for (const spill of spills) await spill.close().catch(() => {});
    },
  };
}

import { constants } from "node:fs";
import { crc32 } from "node:zlib";
import { combineCrc32, type SpooledArchive, unfinished } from "@peekpack/s3/internal";
import { readExactly } from "./append-file.js";
import { BLOCK_BYTES, checkedBody } from "./block-checksums.js";
import { openPrivate } from "./private-files.js";
import type { SpoolFolder } from "./spool-folder.js";
import type { FolderState, SealedBody } from "./spool-journal.js";

/** Opens the complete archive of a spool. @throws PeekpackError `unfinished` if the disk does not have all of it */
export async function openArchive(
  folder: SpoolFolder,
  state: FolderState | undefined,
): Promise<SpooledArchive> {
  const { header, bodySize, blocks } = await completeBody(folder, state);
  const handle = await openPrivate(folder.body, constants.O_RDONLY);
  const front = header.length;
  const file = { read: (start: number, end: number) => readExactly(handle, start, end) };
  const body = checkedBody(file, bodySize, blocks);
  return {
    header,
    size: front + bodySize,
    pieceBytes: BLOCK_BYTES,
    async read(start, end) {
      const bytes = await body.read(Math.max(0, start - front), Math.max(0, end - front));
      if (start >= front) return bytes;
      const head = header.subarray(start, Math.min(end, front));
      const whole = new Uint8Array(head.length + bytes.length);
      whole.set(head);
      whole.set(bytes, head.length);
      return whole;
    },
    crc32(start, end) {
      const sum = body.crc32(Math.max(0, start - front), Math.max(0, end - front));
      if (sum === undefined || start >= front) return sum;
      // Only a range from the start of the archive has a known CRC32: it includes the whole header.
      return start > 0 || end < front ? undefined : combineCrc32(crc32(header), sum, end - front);
    },
    close: () => handle.close(),
  };
}

/** @throws PeekpackError `unfinished` if the disk does not have the whole archive */
export async function completeBody(folder: SpoolFolder, state: FolderState | undefined): Promise<SealedBody> {
  const body = state?.body;
  if (body === undefined) throw unfinished("it is incomplete");
  if (!body.synced && (await folder.isFromEarlierBoot())) {
    throw unfinished("the machine stopped before it was synced to the disk");
  }
  if ((await folder.bodySize()) !== body.bodySize) throw unfinished("its file is missing or incomplete");
  return body;
}

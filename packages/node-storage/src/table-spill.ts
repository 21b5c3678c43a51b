import { open, rm } from "node:fs/promises";
import type { TableSpill } from "@peekpack/core";
import { readExactly } from "./append-file.js";

/**
 * Opens a temporary file for the table of an archive that is being written. The file must not exist. It loses its name at
 * once where the system allows that, so that a crash leaves nothing.
 */
export async function fileTableSpill(path: string): Promise<TableSpill> {
  const handle = await open(path, "wx+", 0o600);
  // Windows may keep the name of a file that is open.
  await rm(path, { force: true }).catch(() => {});
  let closed = false;
  return {
    async write(bytes, at) {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
        done += bytesWritten;
      }
    },
    read: (start, end) => readExactly(handle, start, end),
    async close() {
      if (closed) return;
      closed = true;
      await handle.close();
      await rm(path, { force: true });
    },
  };
}

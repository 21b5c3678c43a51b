import { PeekpackError } from "@peekpack/core";
import {
  freshFile,
  hasSyncAccess,
  openSyncFile,
  partName,
  removeEntry,
  type SyncFile,
  spoolDirectory,
} from "./opfs-files.js";
import type { PartStore, PartWriter } from "./part-store.js";
import { type RemotePort, remote } from "./remote.js";
import { stored } from "./storage-error.js";

/** Opens files of the origin private file system for writing, one at a time. */
export interface FileWriter {
  open(directory: string, spool: string, name: string): Promise<PartWriter>;
  close(): void;
}

/** Writes through sync access handles, here: for code that runs in a dedicated worker itself. */
export function syncWriter(): FileWriter {
  return {
    async open(directory, spool, name) {
      const file: SyncFile = await stored("open a part", async () =>
        openSyncFile(await freshFile(directory, spool, name)),
      );
      return {
        append: (bytes) => stored("write a part", async () => file.append(bytes)),
        seal: () => stored("seal a part", async () => file.seal()),
        cancel: async () => file.close(),
      };
    },
    close() {},
  };
}

/** Writes through sync access handles in a dedicated worker. */
export function workerWriter(makeWorker: () => Worker): FileWriter {
  const worker = makeWorker();
  const away = remote(worker as RemotePort);
  const lost = (): void =>
    away.close(new PeekpackError("denied", "The spool's worker could not be started.", { section: "spool" }));
  worker.addEventListener("error", lost);
  worker.addEventListener("messageerror", lost);
  return {
    async open(...args) {
      await away.call("open", args);
      return {
        append: (bytes) => away.call("append", [bytes], { transfer: [bytes.buffer] }),
        seal: () => away.call("seal", []),
        cancel: () => away.call<void>("cancel", []).catch(() => {}),
      };
    },
    close() {
      away.close(new PeekpackError("closed", "The spool's worker has ended.", { section: "spool" }));
      worker.terminate();
    },
  };
}

/** Writes by createWritable: everywhere but in older Safaris. A file appears when it is closed. */
export function streamWriter(): FileWriter {
  return {
    async open(directory, spool, name) {
      const stream = await stored("open a part", async () =>
        (await freshFile(directory, spool, name)).createWritable(),
      );
      return {
        append: (bytes) => stored("write a part", () => stream.write(bytes)),
        seal: () => stored("seal a part", () => stream.close()),
        cancel: () => stream.abort().catch(() => {}),
      };
    },
    close() {},
  };
}

/** The worker of this package, as bundlers find it. */
export function packagedWorker(): Worker {
  return new Worker(new URL("./opfs-worker.js", import.meta.url), { type: "module", name: "peekpack-spool" });
}

/** Whether a sync access handle can be had in a worker, or here. */
export function syncAccess(): "here" | "worker" | undefined {
  if (hasSyncAccess()) return "here";
  return typeof Worker === "function" ? "worker" : undefined;
}

/** Parts as files of the origin private file system: `DIRECTORY/SPOOL/part-N`. */
export function opfsParts(directory: string, writer: FileWriter): PartStore {
  return {
    storage: "opfs",
    begin: (spool, number) => writer.open(directory, spool, partName(number)),
    read: (spool, number, start, end) =>
      stored(`read part ${number} of the spool`, async () => {
        const parts = await (await spoolDirectory(directory)).getDirectoryHandle(spool);
        const file = await (await parts.getFileHandle(partName(number))).getFile();
        return new Uint8Array(await file.slice(start, end).arrayBuffer());
      }),
    remove: (spool, number) =>
      stored("remove a part", async () => {
        const parts = await found((await spoolDirectory(directory)).getDirectoryHandle(spool));
        if (parts !== undefined) await removeEntry(parts, partName(number));
      }),
    removeAll: (spool) =>
      stored("remove a spool", async () => removeEntry(await spoolDirectory(directory), spool)),
    spools: () =>
      stored("list the spools", async () => {
        const names: string[] = [];
        for await (const name of (await spoolDirectory(directory)).keys()) names.push(name);
        return names;
      }),
    close: () => writer.close(),
  };
}

async function found<T>(entry: Promise<T>): Promise<T | undefined> {
  try {
    return await entry;
  } catch (error) {
    if ((error as Error).name === "NotFoundError") return undefined;
    throw error;
  }
}

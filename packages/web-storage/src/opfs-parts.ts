import { PeekpackError } from "@peekpack/core";
import {
  hasSyncAccess,
  openSyncFile,
  PART_NAME,
  partFile,
  partName,
  removeEntry,
  type SyncFile,
  spoolDirectory,
} from "./opfs-files.js";
import type { PartMedium, PartWriter } from "./part-medium.js";
import { type RpcPort, rpcClient } from "./rpc.js";
import { withStorageErrors } from "./storage-error.js";
import { scriptAdvice } from "./worker-script.js";

/** Writes files of the origin private file system. Several may be open. */
export interface FileWriter {
  open(directory: string, spool: string, name: string): Promise<PartWriter>;
  close(): void;
}

/** Writes through sync access handles in this worker. */
export function syncWriter(): FileWriter {
  return {
    async open(directory, spool, name) {
      const file: SyncFile = await withStorageErrors("open a part", async () =>
        openSyncFile(await partFile(directory, spool, name)),
      );
      return {
        append: (bytes) => withStorageErrors("write a part", async () => file.append(bytes)),
        seal: () => withStorageErrors("seal a part", async () => file.seal()),
        cancel: async () => file.close(),
      };
    },
    close() {},
  };
}

/** Writes through sync access handles in a dedicated worker. If the worker cannot be loaded, `open` rejects. */
export function workerWriter(makeWorker: () => Worker): FileWriter {
  const worker = makeWorker();
  const client = rpcClient(worker as RpcPort);
  const fail = (): void => {
    const message = `The worker that writes spools could not be loaded, or failed.${scriptAdvice("opfs-worker", import.meta.url)}`;
    client.close(new PeekpackError("network", message, { section: "spool" }));
  };
  worker.addEventListener("error", fail);
  worker.addEventListener("messageerror", fail);
  let opened = 0;
  return {
    async open(...args) {
      const id = ++opened;
      await client.call("open", [id, ...args]);
      return {
        append: (bytes) => client.call("append", [id, bytes], { transfer: [bytes.buffer] }),
        seal: () => client.call("seal", [id]),
        cancel: () => client.call<void>("cancel", [id]).catch(() => {}),
      };
    },
    close() {
      client.close(
        new PeekpackError("closed", "The worker that writes spools has ended.", { section: "spool" }),
      );
      worker.terminate();
    },
  };
}

/** Writes by createWritable, which older Safaris lack. A file exists only once it is closed. */
export function streamWriter(): FileWriter {
  return {
    async open(directory, spool, name) {
      const stream = await withStorageErrors("open a part", async () =>
        (await partFile(directory, spool, name)).createWritable(),
      );
      return {
        append: (bytes) => withStorageErrors("write a part", () => stream.write(bytes)),
        seal: () => withStorageErrors("seal a part", () => stream.close()),
        cancel: () => stream.abort().catch(() => {}),
      };
    },
    close() {},
  };
}

/** The worker of this package. Bundlers recognize this expression. */
export function packagedWorker(): Worker {
  return new Worker(new URL("./opfs-worker.js", import.meta.url), { type: "module", name: "peekpack-spool" });
}

/** Where sync access handles are available: in this worker, in a dedicated worker, or nowhere. */
export function syncAccess(): "here" | "worker" | undefined {
  if (hasSyncAccess()) return "here";
  return typeof Worker === "function" ? "worker" : undefined;
}

/** Parts as files of the origin private file system: `DIRECTORY/SPOOL/part-N`. */
export function opfsParts(directory: string, writer: FileWriter): PartMedium {
  return {
    storage: "opfs",
    begin: (spool, number) => writer.open(directory, spool, partName(number)),
    read: (spool, number, start, end) =>
      withStorageErrors(`read part ${number} of the spool`, async () => {
        const parts = await (await spoolDirectory(directory)).getDirectoryHandle(spool);
        const file = await (await parts.getFileHandle(partName(number))).getFile();
        return new Uint8Array(await file.slice(start, end).arrayBuffer());
      }),
    remove: (spool, number) =>
      withStorageErrors("remove a part", async () => {
        const parts = await ifExists((await spoolDirectory(directory)).getDirectoryHandle(spool));
        if (parts !== undefined) await removeEntry(parts, partName(number));
      }),
    removeAll: (spool) =>
      withStorageErrors("remove a spool", async () => removeEntry(await spoolDirectory(directory), spool)),
    spools: () =>
      withStorageErrors("list the spools", async () => {
        const spools: { id: string; foreign: boolean }[] = [];
        for await (const [id, entry] of (await spoolDirectory(directory)).entries()) {
          spools.push({ id, foreign: !(await hasOnlyParts(entry)) });
        }
        return spools;
      }),
    close: () => writer.close(),
  };
}

/** Whether an entry is a directory of parts, as this version writes them. */
async function hasOnlyParts(entry: FileSystemHandle): Promise<boolean> {
  if (entry.kind !== "directory") return false;
  for await (const [name, { kind }] of (entry as FileSystemDirectoryHandle).entries()) {
    if (kind !== "file" || !PART_NAME.test(name)) return false;
  }
  return true;
}

async function ifExists<T>(entry: Promise<T>): Promise<T | undefined> {
  try {
    return await entry;
  } catch (error) {
    if ((error as Error).name === "NotFoundError") return undefined;
    throw error;
  }
}

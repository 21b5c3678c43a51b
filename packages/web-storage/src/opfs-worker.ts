/** Entry of the worker that writes parts through sync access handles. The caller gives each open file a number. */
import { openSyncFile, partFile, type SyncFile } from "./opfs-files.js";
import { type RpcCall, type RpcPort, serveRpc } from "./rpc.js";
import { withStorageErrors } from "./storage-error.js";

function serveFiles(port: RpcPort): void {
  const files = new Map<number, SyncFile>();
  const take = (id: number): SyncFile => {
    const file = files.get(id)!;
    files.delete(id);
    return file;
  };
  serveRpc(port, {
    open: (_: RpcCall, id: number, directory: string, spool: string, name: string) =>
      withStorageErrors("open a part", async () => {
        files.set(id, await openSyncFile(await partFile(directory, spool, name)));
      }),
    append: (_: RpcCall, id: number, bytes: Uint8Array) =>
      withStorageErrors("write a part", async () => files.get(id)!.append(bytes)),
    seal: (_: RpcCall, id: number) => withStorageErrors("seal a part", async () => take(id).seal()),
    cancel: (_: RpcCall, id: number) => {
      if (files.has(id)) take(id).close();
    },
  });
}

serveFiles(globalThis as unknown as RpcPort);

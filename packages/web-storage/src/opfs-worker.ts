/** Entry of the worker that writes parts through sync access handles, one at a time. */
import { openSyncFile, partFile, type SyncFile } from "./opfs-files.js";
import { type RpcCall, type RpcPort, serveRpc } from "./rpc.js";
import { withStorageErrors } from "./storage-error.js";

function serveFiles(port: RpcPort): void {
  let file: SyncFile | undefined;
  const close = (): void => {
    file?.close();
    file = undefined;
  };
  serveRpc(port, {
    open: (_: RpcCall, directory: string, spool: string, name: string) =>
      withStorageErrors("open a part", async () => {
        close();
        file = await openSyncFile(await partFile(directory, spool, name));
      }),
    append: (_: RpcCall, bytes: Uint8Array) =>
      withStorageErrors("write a part", async () => file!.append(bytes)),
    seal: () =>
      withStorageErrors("seal a part", async () => {
        const sealing = file!;
        file = undefined;
        sealing.seal();
      }),
    cancel: close,
  });
}

serveFiles(globalThis as unknown as RpcPort);

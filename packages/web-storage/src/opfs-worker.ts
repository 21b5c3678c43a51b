/** Entry of the dedicated worker that writes parts through sync access handles, one at a time. */
import { freshFile, openSyncFile, type SyncFile } from "./opfs-files.js";
import { answer, type RemoteCall, type RemotePort } from "./remote.js";
import { stored } from "./storage-error.js";

function serveFiles(port: RemotePort): void {
  let file: SyncFile | undefined;
  const close = (): void => {
    file?.close();
    file = undefined;
  };
  answer(port, {
    open: (_: RemoteCall, directory: string, spool: string, name: string) =>
      stored("open a part", async () => {
        close();
        file = await openSyncFile(await freshFile(directory, spool, name));
      }),
    append: (_: RemoteCall, bytes: Uint8Array) => stored("write a part", async () => file!.append(bytes)),
    seal: () =>
      stored("seal a part", async () => {
        const sealing = file!;
        file = undefined;
        sealing.seal();
      }),
    cancel: close,
  });
}

serveFiles(globalThis as unknown as RemotePort);

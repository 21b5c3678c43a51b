import { fileName, saveBlob } from "./save-blob.js";

/** Where the bytes of a download go, in order. */
export interface Destination {
  /** Where they are, in words, once the download is finished. */
  readonly where: string;
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Completes the file. @param head the first bytes, if room was reserved for them */
  finish(head?: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Removes what was written. A file that was there before stays as it was. */
  abort(): Promise<void>;
}

/** What a page can keep in memory, where it can write neither to a file nor to storage of its own. */
const MEMORY_BYTES = 256 * 1024 * 1024;
const FOLDER = "peekpack-downloads";
/** Files in the browser's storage that are older were saved long ago. */
const KEPT_MS = 3_600_000;

interface Picker {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<FileSystemFileHandle>;
}

/**
 * Opens the destination of a download: a file that the user chooses; else a file in the browser's storage, which is then
 * saved; else memory. Called by a click, as the browser demands of a page that asks for a file.
 * @param reserved how many bytes at the start are known last
 * @throws DOMException AbortError if the user chooses no file
 */
export async function openDestination(name: string, reserved = 0): Promise<Destination> {
  const suggestedName = fileName(name);
  const { showSaveFilePicker } = window as Picker;
  if (showSaveFilePicker !== undefined) {
    const file = await showSaveFilePicker.call(window, { suggestedName });
    return written(await file.createWritable(), reserved, `“${file.name}”`, async () => {});
  }
  const kept = await keptFile(suggestedName).catch(() => undefined);
  if (kept === undefined) return inMemory(suggestedName, reserved);
  const { file, remove } = kept;
  const save = async (): Promise<void> => saveBlob(await file.getFile(), suggestedName);
  return written(await file.createWritable(), reserved, `“${suggestedName}”`, save, remove);
}

async function written(
  file: FileSystemWritableFileStream,
  reserved: number,
  where: string,
  save: () => Promise<void>,
  remove: () => Promise<void> = async () => {},
): Promise<Destination> {
  if (reserved > 0) await file.write(new Uint8Array(reserved));
  return {
    where,
    write: (chunk) => file.write(chunk),
    async finish(head) {
      if (head !== undefined) await file.write({ type: "write", position: 0, data: head });
      await file.close();
      await save();
    },
    async abort() {
      await file.abort();
      await remove();
    },
  };
}

/** A new file in the browser's storage. Files of earlier downloads are removed. */
async function keptFile(
  name: string,
): Promise<{ readonly file: FileSystemFileHandle; remove(): Promise<void> }> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(FOLDER, { create: true });
  for await (const old of folder.keys()) {
    if (Number(old.split(" ", 1)[0]) < Date.now() - KEPT_MS) await folder.removeEntry(old).catch(() => {});
  }
  const own = `${Date.now()} ${crypto.randomUUID()} ${name}`;
  const file = await folder.getFileHandle(own, { create: true });
  // Safari before 26 writes such files in workers only.
  if (!("createWritable" in file)) {
    await folder.removeEntry(own);
    throw new TypeError("This browser cannot write a file here.");
  }
  return { file, remove: () => folder.removeEntry(own) };
}

function inMemory(name: string, reserved: number): Destination {
  let parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = reserved;
  return {
    where: `“${name}”`,
    async write(chunk) {
      bytes += chunk.length;
      if (bytes > MEMORY_BYTES) {
        throw new RangeError(
          "This browser lets a page keep a download in memory only, and this one has more than 256 MiB. Use another browser, or the command peekpack.",
        );
      }
      parts.push(chunk);
    },
    async finish(head) {
      saveBlob(new Blob(head === undefined ? parts : [head, ...parts]), name);
      parts = [];
    },
    async abort() {
      parts = [];
    },
  };
}

import { spoolContract } from "@peekpack/testing/contracts/spool";
import {
  discardUpload,
  exportUpload,
  type PendingUpload,
  pendingUploads,
  resumeUpload,
  spoolSink,
} from "../src/index.js";
import { type FakeBrowser, fakeBrowser } from "./fake-browser.js";

let browser: FakeBrowser;
let count = 0;

/** Runs `work` on a store of the spools' database. */
function withStore<T>(
  directory: string,
  name: string,
  work: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const open = indexedDB.open(`peekpack-spool/${directory}`);
    open.onerror = () => reject(open.error);
    open.onsuccess = () => {
      const transaction = open.result.transaction(name, "readwrite");
      const request = work(transaction.objectStore(name));
      transaction.oncomplete = () => {
        open.result.close();
        resolve(request.result);
      };
    };
  });
}

async function changeRecord(
  { directory }: PendingUpload,
  store: string,
  key: IDBValidKey,
  change: (value: never) => unknown,
): Promise<void> {
  const value = await withStore(directory, store, (records) => records.get(key));
  await withStore(directory, store, (records) => records.put(change(value as never), key));
}

spoolContract<PendingUpload>("IndexedDB", () => ({
  functions: { spoolSink, pendingUploads, resumeUpload, exportUpload, discardUpload },
  fresh() {
    browser = fakeBrowser();
    return `contract-${++count}`;
  },
  kill: async () => browser.dropLocks(),
  damageJournal: (pending) =>
    changeRecord(pending, "journal", [pending.id], (record: { text: string }) => ({
      ...record,
      text: record.text.replace("s3://b", "s3://c"),
    })),
  damageArchive: (pending) =>
    changeRecord(pending, "parts", [pending.id, 2], (bytes: Uint8Array) => {
      bytes[1000]! ^= 4;
      return bytes;
    }),
  changeLayout: (pending) =>
    changeRecord(pending, "journal", [pending.id], (record: object) => ({ ...record, layout: 3 })),
  async leftovers(directory) {
    const stores = ["journal", "parts"];
    const keys = await Promise.all(
      stores.map((name) => withStore(directory, name, (store) => store.getAllKeys())),
    );
    return new Set(keys.flat().map((key) => (key as string[])[0])).size;
  },
}));

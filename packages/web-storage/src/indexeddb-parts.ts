import { del, get, keys, promisifyRequest, set } from "idb-keyval";
import type { Database } from "./database.js";
import type { PartMedium } from "./part-medium.js";
import { PARTS } from "./spool-database.js";
import { storageError, withStorageErrors } from "./storage-error.js";

/** Stores parts as records of IndexedDB, with key [spool, number]. A part is in memory until it is sealed. */
export function indexedDbParts(database: Database): PartMedium {
  const store = database.store(PARTS, "strict");
  const ofSpool = (spool: string): IDBKeyRange => IDBKeyRange.bound([spool], [spool, []]);
  return {
    storage: "indexeddb",
    async begin(spool, number) {
      let blocks: Uint8Array<ArrayBuffer>[] = [];
      return {
        async append(bytes) {
          blocks.push(bytes);
        },
        async seal() {
          const whole = new Uint8Array(blocks.reduce((sum, block) => sum + block.length, 0));
          let at = 0;
          for (const block of blocks) {
            whole.set(block, at);
            at += block.length;
          }
          blocks = [];
          await withStorageErrors("seal a part", () => set([spool, number], whole, store));
        },
        async cancel() {
          blocks = [];
        },
      };
    },
    read: (spool, number, start, end) =>
      withStorageErrors(`read part ${number} of the spool`, async () => {
        const whole = await get<Uint8Array<ArrayBuffer>>([spool, number], store);
        if (whole === undefined) {
          throw storageError(`read part ${number} of the spool`, {
            name: "NotFoundError",
            message: "it does not exist",
          });
        }
        return start === 0 && end >= whole.length ? whole : whole.slice(start, end);
      }),
    remove: (spool, number) => withStorageErrors("remove a part", () => del([spool, number], store)),
    removeAll: (spool) =>
      withStorageErrors("remove a spool", () =>
        store("readwrite", (records) => {
          records.delete(ofSpool(spool));
          return promisifyRequest(records.transaction);
        }),
      ),
    spools: () =>
      withStorageErrors("list the spools", async () => [
        ...new Set((await keys<[string, number]>(store)).map(([spool]) => spool)),
      ]).then((ids) => ids.map((id) => ({ id, foreign: false }))),
    close() {},
  };
}

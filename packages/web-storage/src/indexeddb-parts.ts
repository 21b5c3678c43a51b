import { del, get, keys, promisifyRequest, set } from "idb-keyval";
import type { Database } from "./database.js";
import type { PartStore } from "./part-store.js";
import { PARTS } from "./spool-database.js";
import { storageError, stored } from "./storage-error.js";

/** Parts as records of IndexedDB, under [spool, number]. A part is in memory until it is sealed. */
export function indexedDbParts(database: Database): PartStore {
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
          await stored("seal a part", () => set([spool, number], whole, store));
        },
        async cancel() {
          blocks = [];
        },
      };
    },
    read: (spool, number, start, end) =>
      stored(`read part ${number} of the spool`, async () => {
        const whole = await get<Uint8Array<ArrayBuffer>>([spool, number], store);
        if (whole === undefined) {
          throw storageError(`read part ${number} of the spool`, {
            name: "NotFoundError",
            message: "it is gone",
          });
        }
        return start === 0 && end >= whole.length ? whole : whole.slice(start, end);
      }),
    remove: (spool, number) => stored("remove a part", () => del([spool, number], store)),
    removeAll: (spool) =>
      stored("remove a spool", () =>
        store("readwrite", (records) => {
          records.delete(ofSpool(spool));
          return promisifyRequest(records.transaction);
        }),
      ),
    spools: () =>
      stored("list the spools", async () => [
        ...new Set((await keys<[string, number]>(store)).map(([spool]) => spool)),
      ]),
    close() {},
  };
}

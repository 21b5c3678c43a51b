import "fake-indexeddb/auto";
import { bytesSource, withRangeCache } from "@peekpack/core";
import { assembled, rangeCacheContract } from "@peekpack/testing/contracts/range-cache";
import { patterned } from "@peekpack/testing/contracts/range-source";
import { describe, expect, it } from "vitest";
import { persistentCache } from "../src/index.js";

const object = { label: "https://example.org/a", version: '"1"', size: 10 * 2 ** 20 };

let count = 0;
const fresh = (): string => `cache-${++count}`;
const named = (): { directory: string } => ({ directory: fresh() });

/** Changes the bytes in the database of a cache. */
function tamper(directory: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const open = indexedDB.open(`peekpack-cache/${directory}`);
    open.onerror = () => reject(open.error);
    open.onsuccess = () => {
      const transaction = open.result.transaction("bytes", "readwrite");
      const cursor = transaction.objectStore("bytes").openCursor();
      cursor.onsuccess = () => {
        if (cursor.result === null) return;
        cursor.result.update(change(cursor.result.value));
        cursor.result.continue();
      };
      transaction.oncomplete = () => {
        open.result.close();
        resolve();
      };
    };
  });
}

rangeCacheContract("IndexedDB", { create: persistentCache, fresh, tamper });

describe("persistentCache", () => {
  it("never fails a read if the browser refuses IndexedDB", async () => {
    const { indexedDB } = globalThis;
    try {
      globalThis.indexedDB = {
        open() {
          throw new DOMException("refused", "SecurityError");
        },
      } as unknown as IDBFactory;
      const cache = persistentCache(named());
      expect(await cache.available()).toBe(false);
      const bytes = patterned(1000);
      const source = withRangeCache(bytesSource(bytes, { label: "memory", version: '"1"' }), cache);
      expect((await source.probe({ head: 4, tail: 4 })).size).toBe(1000);
      expect([...(await source.read([{ start: 5, end: 50 }]))[0]!]).toEqual([...bytes.subarray(5, 50)]);
      await source.close?.();
    } finally {
      globalThis.indexedDB = indexedDB;
    }
  });

  it("opens its database again after the connection was closed", async () => {
    const options = named();
    const cache = persistentCache(options);
    await cache.write(object, { start: 0, bytes: patterned(100) });
    // A page that deletes the database makes the browser close every connection to it.
    await new Promise<void>((resolve, reject) => {
      const deleting = indexedDB.deleteDatabase(`peekpack-cache/${options.directory}`);
      deleting.onsuccess = () => resolve();
      deleting.onerror = () => reject(deleting.error);
    });
    expect(await cache.read(object, { start: 0, end: 100 })).toEqual([]);
    await cache.write(object, { start: 0, bytes: patterned(100) });
    expect(await assembled(cache, 0, 100)).toEqual([...patterned(100)]);
  });
});

import type { CachedObject, CachedPiece } from "@peekpack/core";
import { crc32 } from "@peekpack/core/internal";
import { type CacheBounds, MAX_PIECE_BYTES, type PieceStore } from "@peekpack/s3/internal";
import { promisifyRequest } from "idb-keyval";
import { type Database, database } from "./database.js";

/** Label, version, and offset of the first byte. */
type PieceKey = [label: string, version: string, start: number];

/** Metadata of a piece. The bytes are in another store, so that eviction does not read them. */
interface PieceInfo {
  readonly size: number;
  /** CRC32 of the bytes. */
  readonly crc32: number;
  /** Time of last use in milliseconds since 1970, recorded every {@link USED_STEP_MS}. */
  readonly used: number;
}

// Stores.
const OBJECTS = "objects";
const INFOS = "notes";
const BYTES = "bytes";
const TOTALS = "totals";
/** Index of the metadata by time of last use. */
const USED = "used";
/** Key of the number of cached bytes. */
const TOTAL = "bytes";

// The time of use is recorded at most this often: otherwise every read would be a write.
const USED_STEP_MS = 60_000;
// Eviction frees more than it must, so that the next piece does not evict again.
const LOW_WATER = 0.9;

/** The pieces of a cache in IndexedDB. Transactions isolate writers in other tabs. Opens nothing yet. */
export function cacheIndex(directory: string, { maxBytes, maxAgeMs }: CacheBounds): PieceStore {
  const db: Database = database({
    name: `peekpack-cache/${directory}`,
    version: 1,
    upgrade(connection) {
      for (const name of [OBJECTS, BYTES, TOTALS]) connection.createObjectStore(name);
      connection.createObjectStore(INFOS).createIndex(USED, "used");
    },
  });
  // A power cut may lose entries: they are read again. So no write waits for the disk.
  const change = <T>(
    names: readonly string[],
    work: (transaction: IDBTransaction) => Promise<T>,
  ): Promise<T> => db.transaction(names, "readwrite", "relaxed", work);
  const PIECES = [INFOS, BYTES, TOTALS];

  const addToTotal = async (transaction: IDBTransaction, bytes: number): Promise<number> => {
    const totals = transaction.objectStore(TOTALS);
    const total = Math.max(0, ((await promisifyRequest(totals.get(TOTAL))) ?? 0) + bytes);
    totals.put(total, TOTAL);
    return total;
  };

  const removePiece = (transaction: IDBTransaction, key: IDBValidKey): void => {
    transaction.objectStore(INFOS).delete(key);
    transaction.objectStore(BYTES).delete(key);
  };

  /** Visits metadata until `visit` returns false. */
  const walk = (
    from: IDBObjectStore | IDBIndex,
    range: IDBKeyRange | undefined,
    visit: (info: PieceInfo, key: IDBValidKey) => boolean,
  ): Promise<void> =>
    new Promise((resolve, reject) => {
      const request = from.openCursor(range);
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const cursor = request.result;
        if (cursor === null || !visit(cursor.value as PieceInfo, cursor.primaryKey)) resolve();
        else cursor.continue();
      };
    });

  /** Evicts expired pieces, then the least recently used ones until at most `targetBytes` are left. */
  const evict = async (transaction: IDBTransaction, total: number, targetBytes: number): Promise<void> => {
    const expired = Date.now() - maxAgeMs;
    let freed = 0;
    await walk(transaction.objectStore(INFOS).index(USED), undefined, ({ size, used }, key) => {
      if (used >= expired && total - freed <= targetBytes) return false;
      removePiece(transaction, key);
      freed += size;
      return true;
    });
    if (freed > 0) await addToTotal(transaction, -freed);
  };

  const write = ({ label, version }: CachedObject, start: number, bytes: Uint8Array): Promise<void> =>
    change(PIECES, async (transaction) => {
      const key: PieceKey = [label, version, start];
      const infos = transaction.objectStore(INFOS);
      const before: PieceInfo | undefined = await promisifyRequest(infos.get(key));
      // Another tab may have stored more bytes from this offset.
      if (before !== undefined && before.size >= bytes.length) return;
      const info: PieceInfo = { size: bytes.length, crc32: crc32(bytes), used: Date.now() };
      infos.put(info, key);
      transaction.objectStore(BYTES).put(bytes, key);
      const total = await addToTotal(transaction, bytes.length - (before?.size ?? 0));
      if (total > maxBytes) await evict(transaction, total, maxBytes * LOW_WATER);
    });

  /** Records the use of pieces, and removes damaged ones. */
  const update = (used: readonly PieceKey[], damaged: readonly PieceKey[]): Promise<void> =>
    change(PIECES, async (transaction) => {
      const infos = transaction.objectStore(INFOS);
      for (const key of used) {
        const info: PieceInfo | undefined = await promisifyRequest(infos.get(key));
        if (info !== undefined) infos.put({ ...info, used: Date.now() }, key);
      }
      let freed = 0;
      for (const key of damaged) {
        const info: PieceInfo | undefined = await promisifyRequest(infos.get(key));
        freed += info?.size ?? 0;
        removePiece(transaction, key);
      }
      if (freed > 0) await addToTotal(transaction, -freed);
    });

  /** Evicts expired pieces once, before the first write. */
  let evicted: Promise<void> | undefined;
  const evictOnce = (): Promise<void> => {
    evicted ??= change(PIECES, async (transaction) =>
      evict(transaction, await addToTotal(transaction, 0), maxBytes),
    ).catch(() => {});
    return evicted;
  };

  const index: PieceStore = {
    latest: (label) =>
      db.transaction([OBJECTS], "readonly", "relaxed", (transaction) =>
        promisifyRequest<CachedObject | undefined>(transaction.objectStore(OBJECTS).get(label)),
      ),
    see: ({ label, version, size }) =>
      change([OBJECTS], async (transaction) => {
        transaction.objectStore(OBJECTS).put({ label, version, size }, label);
      }),
    async read({ label, version }, { start, end }) {
      const first: PieceKey = [label, version, Math.max(0, start - MAX_PIECE_BYTES + 1)];
      const last: PieceKey = [label, version, end];
      const range = IDBKeyRange.bound(first, last, false, true);
      const [keys, infos, all] = await db.transaction(
        [INFOS, BYTES],
        "readonly",
        "relaxed",
        async (transaction) => {
          const from = transaction.objectStore(INFOS);
          const [keys, infos] = await Promise.all([
            promisifyRequest(from.getAllKeys(range)) as Promise<PieceKey[]>,
            promisifyRequest(from.getAll(range)) as Promise<PieceInfo[]>,
          ]);
          const reaching = keys.flatMap((key, i) => (key[2] + infos[i]!.size > start ? [i] : []));
          const bytes = transaction.objectStore(BYTES);
          const all = await Promise.all(
            reaching.map((i) => promisifyRequest<Uint8Array | undefined>(bytes.get(keys[i]!))),
          );
          return [reaching.map((i) => keys[i]!), reaching.map((i) => infos[i]!), all] as const;
        },
      );
      const pieces: CachedPiece[] = [];
      const damaged: PieceKey[] = [];
      const used: PieceKey[] = [];
      const now = Date.now();
      for (const [i, key] of keys.entries()) {
        const info = infos[i]!;
        const bytes = all[i];
        if (!(bytes instanceof Uint8Array) || bytes.length !== info.size || crc32(bytes) !== info.crc32) {
          damaged.push(key);
        } else if (now - info.used <= maxAgeMs) {
          pieces.push({ start: key[2], bytes });
          if (now - info.used > USED_STEP_MS) used.push(key);
        }
      }
      if (damaged.length + used.length > 0) void update(used, damaged).catch(() => {});
      return pieces;
    },
    async write(object, start, bytes) {
      await evictOnce();
      try {
        // A copy: the database would store the whole buffer of a view.
        await write(object, start, bytes.slice());
      } catch (error) {
        if ((error as Error | null)?.name !== "QuotaExceededError") throw error;
        // The disk is full below maxBytes: leave room for others.
        await change(PIECES, async (transaction) => {
          const total = await addToTotal(transaction, 0);
          await evict(transaction, total, total / 2);
        });
      }
    },
    size: () =>
      db.transaction([TOTALS], "readonly", "relaxed", async (transaction) =>
        Number((await promisifyRequest(transaction.objectStore(TOTALS).get(TOTAL))) ?? 0),
      ),
    clear: (label) =>
      change([OBJECTS, ...PIECES], async (transaction) => {
        if (label === undefined) {
          for (const name of [OBJECTS, ...PIECES]) transaction.objectStore(name).clear();
          return;
        }
        transaction.objectStore(OBJECTS).delete(label);
        let freed = 0;
        await walk(
          transaction.objectStore(INFOS),
          IDBKeyRange.bound([label], [label, []]),
          ({ size }, key) => {
            removePiece(transaction, key);
            freed += size;
            return true;
          },
        );
        await addToTotal(transaction, -freed);
      }),
    async probe() {
      const label = "peekpack-probe";
      await index.see({ label, version: "probe", size: 0 });
      const seen = await index.latest(label);
      await index.clear(label);
      return seen !== undefined;
    },
    close: () => db.close(),
  };
  return index;
}

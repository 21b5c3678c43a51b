import type { ByteRange, CachedObject, CachedPiece } from "@peekpack/core";
import { promisifyRequest } from "idb-keyval";
import { crc32Of } from "./crc32.js";
import { type Database, database } from "./database.js";

/** What bounds a cache. */
export interface CacheBounds {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** No piece is longer, in bytes. */
  readonly longest: number;
}

/** The pieces that a cache keeps, in IndexedDB. Its transactions keep writers in other tabs apart. */
export interface CacheIndex {
  latest(label: string): Promise<CachedObject | undefined>;
  see(object: CachedObject): Promise<void>;
  read(object: CachedObject, range: ByteRange): Promise<CachedPiece[]>;
  /** Keeps one piece, and lets go of others where that makes too many. */
  write(object: CachedObject, start: number, bytes: Uint8Array): Promise<void>;
  size(): Promise<number>;
  clear(label?: string): Promise<void>;
  /** Whether what is written can be read. */
  probe(): Promise<boolean>;
  close(): void;
}

/** Label, version, and offset of the first byte. */
type PieceKey = [label: string, version: string, start: number];

/** What is known of a piece beside its bytes, which lie apart so that evicting need not read them. */
interface PieceNote {
  readonly size: number;
  /** CRC32 of the bytes. */
  readonly crc32: number;
  /** When it was last used, in milliseconds since 1970, give or take {@link USED_STEP_MS}. */
  readonly used: number;
}

// Stores.
const OBJECTS = "objects";
const NOTES = "notes";
const BYTES = "bytes";
const TOTALS = "totals";
/** Index of the notes by when they were used. */
const USED = "used";
/** Key of the number of all bytes kept. */
const TOTAL = "bytes";

// A use is noted at most so often: noting each would make every read a write.
const USED_STEP_MS = 60_000;
// Evicting goes a little further than it must, so that it need not begin again with the next piece.
const LOW_WATER = 0.9;

/** Makes a {@link CacheIndex}. Nothing is opened yet. */
export function cacheIndex(directory: string, { maxBytes, maxAgeMs, longest }: CacheBounds): CacheIndex {
  const db: Database = database({
    name: `peekpack-cache/${directory}`,
    version: 1,
    upgrade(connection) {
      for (const name of [OBJECTS, BYTES, TOTALS]) connection.createObjectStore(name);
      connection.createObjectStore(NOTES).createIndex(USED, "used");
    },
  });
  // What is lost in a power cut is read again: no reason to wait for the disk.
  const change = <T>(
    names: readonly string[],
    work: (transaction: IDBTransaction) => Promise<T>,
  ): Promise<T> => db.transaction(names, "readwrite", "relaxed", work);
  const PIECES = [NOTES, BYTES, TOTALS];

  const addToTotal = async (transaction: IDBTransaction, bytes: number): Promise<number> => {
    const totals = transaction.objectStore(TOTALS);
    const total = Math.max(0, ((await promisifyRequest(totals.get(TOTAL))) ?? 0) + bytes);
    totals.put(total, TOTAL);
    return total;
  };

  const removeNoted = (transaction: IDBTransaction, key: IDBValidKey): void => {
    transaction.objectStore(NOTES).delete(key);
    transaction.objectStore(BYTES).delete(key);
  };

  /** Visits notes until `visit` says that it is enough. */
  const walk = (
    from: IDBObjectStore | IDBIndex,
    range: IDBKeyRange | undefined,
    visit: (note: PieceNote, key: IDBValidKey) => boolean,
  ): Promise<void> =>
    new Promise((resolve, reject) => {
      const request = from.openCursor(range);
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const cursor = request.result;
        if (cursor === null || !visit(cursor.value as PieceNote, cursor.primaryKey)) resolve();
        else cursor.continue();
      };
    });

  /** Lets go of what is too old, and of what was not used for longest until the rest fits. */
  const evict = async (transaction: IDBTransaction, total: number, room: number): Promise<void> => {
    const tooOld = Date.now() - maxAgeMs;
    let freed = 0;
    await walk(transaction.objectStore(NOTES).index(USED), undefined, ({ size, used }, key) => {
      if (used >= tooOld && total - freed <= room) return false;
      removeNoted(transaction, key);
      freed += size;
      return true;
    });
    if (freed > 0) await addToTotal(transaction, -freed);
  };

  const write = ({ label, version }: CachedObject, start: number, bytes: Uint8Array): Promise<void> =>
    change(PIECES, async (transaction) => {
      const key: PieceKey = [label, version, start];
      const notes = transaction.objectStore(NOTES);
      const before: PieceNote | undefined = await promisifyRequest(notes.get(key));
      // Another tab may have read more from the same place.
      if (before !== undefined && before.size >= bytes.length) return;
      const note: PieceNote = { size: bytes.length, crc32: crc32Of(bytes), used: Date.now() };
      notes.put(note, key);
      transaction.objectStore(BYTES).put(bytes, key);
      const total = await addToTotal(transaction, bytes.length - (before?.size ?? 0));
      if (total > maxBytes) await evict(transaction, total, maxBytes * LOW_WATER);
    });

  /** Notes that pieces were used, and takes out those that are harmed. */
  const tidy = (used: readonly PieceKey[], harmed: readonly PieceKey[]): Promise<void> =>
    change(PIECES, async (transaction) => {
      const notes = transaction.objectStore(NOTES);
      for (const key of used) {
        const note: PieceNote | undefined = await promisifyRequest(notes.get(key));
        if (note !== undefined) notes.put({ ...note, used: Date.now() }, key);
      }
      let freed = 0;
      for (const key of harmed) {
        const note: PieceNote | undefined = await promisifyRequest(notes.get(key));
        freed += note?.size ?? 0;
        removeNoted(transaction, key);
      }
      if (freed > 0) await addToTotal(transaction, -freed);
    });

  /** What is too old goes when the cache is first written to; what is too much, whenever there is more. */
  let swept: Promise<void> | undefined;
  const sweepOnce = (): Promise<void> => {
    swept ??= change(PIECES, async (transaction) =>
      evict(transaction, await addToTotal(transaction, 0), maxBytes),
    ).catch(() => {});
    return swept;
  };

  const index: CacheIndex = {
    latest: (label) =>
      db.transaction([OBJECTS], "readonly", "relaxed", (transaction) =>
        promisifyRequest<CachedObject | undefined>(transaction.objectStore(OBJECTS).get(label)),
      ),
    see: ({ label, version, size }) =>
      change([OBJECTS], async (transaction) => {
        transaction.objectStore(OBJECTS).put({ label, version, size }, label);
      }),
    async read({ label, version }, { start, end }) {
      const first: PieceKey = [label, version, Math.max(0, start - longest + 1)];
      const last: PieceKey = [label, version, end];
      const range = IDBKeyRange.bound(first, last, false, true);
      const [keys, notes, all] = await db.transaction(
        [NOTES, BYTES],
        "readonly",
        "relaxed",
        async (transaction) => {
          const from = transaction.objectStore(NOTES);
          const [keys, notes] = await Promise.all([
            promisifyRequest(from.getAllKeys(range)) as Promise<PieceKey[]>,
            promisifyRequest(from.getAll(range)) as Promise<PieceNote[]>,
          ]);
          const reaching = keys.flatMap((key, i) => (key[2] + notes[i]!.size > start ? [i] : []));
          const bytes = transaction.objectStore(BYTES);
          const all = await Promise.all(
            reaching.map((i) => promisifyRequest<Uint8Array | undefined>(bytes.get(keys[i]!))),
          );
          return [reaching.map((i) => keys[i]!), reaching.map((i) => notes[i]!), all] as const;
        },
      );
      const pieces: CachedPiece[] = [];
      const harmed: PieceKey[] = [];
      const used: PieceKey[] = [];
      const now = Date.now();
      for (const [i, key] of keys.entries()) {
        const note = notes[i]!;
        const bytes = all[i];
        if (!(bytes instanceof Uint8Array) || bytes.length !== note.size || crc32Of(bytes) !== note.crc32) {
          harmed.push(key);
        } else if (now - note.used <= maxAgeMs) {
          pieces.push({ start: key[2], bytes });
          if (now - note.used > USED_STEP_MS) used.push(key);
        }
      }
      if (harmed.length + used.length > 0) void tidy(used, harmed).catch(() => {});
      return pieces;
    },
    async write(object, start, bytes) {
      if (bytes.length > maxBytes) return;
      await sweepOnce();
      try {
        await write(object, start, bytes);
      } catch (error) {
        if ((error as Error | null)?.name !== "QuotaExceededError") throw error;
        // The disk is fuller than this cache may make it: others need the room more.
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
          transaction.objectStore(NOTES),
          IDBKeyRange.bound([label], [label, []]),
          ({ size }, key) => {
            removeNoted(transaction, key);
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

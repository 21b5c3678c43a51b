import { promisifyRequest, type UseStore } from "idb-keyval";

/** How surely a transaction is on the disk when it is said to be done. */
export type Durability = "strict" | "relaxed";

/** An IndexedDB database, opened at first use and again when the browser has closed it. */
export interface Database {
  /** A store as idb-keyval's functions take it. `strict`: what was written survives a power cut. */
  store(name: string, durability: Durability): UseStore;
  /** Runs `work` in one transaction over several stores, and waits until that is done. `work` must not await anything else. */
  transaction<T>(
    names: readonly string[],
    mode: IDBTransactionMode,
    durability: Durability,
    work: (transaction: IDBTransaction) => T | Promise<T>,
  ): Promise<T>;
  /** Closes the connection. The next use opens it again. */
  close(): void;
}

/** What a database is made of. Raise `version` to add stores and indexes. */
export interface DatabaseShape {
  readonly name: string;
  readonly version: number;
  /** Called in the transaction of an upgrade; must do nothing about stores that are there. */
  upgrade(database: IDBDatabase, transaction: IDBTransaction): void;
}

/** Makes a {@link Database}. Nothing is opened yet. */
export function database(shape: DatabaseShape): Database {
  let opening: Promise<IDBDatabase> | undefined;

  const open = (): Promise<IDBDatabase> => {
    opening ??= connect(shape, () => {
      opening = undefined;
    });
    return opening;
  };

  const begin = async (
    names: readonly string[],
    mode: IDBTransactionMode,
    durability: Durability,
  ): Promise<IDBTransaction> => {
    for (let tries = 0; ; tries++) {
      const connection = await open();
      try {
        return connection.transaction([...names], mode, { durability });
      } catch (error) {
        // The browser may have closed the connection without a word.
        if (tries > 0 || (error as Error).name !== "InvalidStateError") throw error;
        opening = undefined;
      }
    }
  };

  return {
    store: (name, durability) => async (mode, callback) =>
      callback((await begin([name], mode, durability)).objectStore(name)),
    async transaction(names, mode, durability, work) {
      const transaction = await begin(names, mode, durability);
      const done = promisifyRequest(transaction);
      try {
        const [result] = await Promise.all([work(transaction), done]);
        return result;
      } catch (error) {
        try {
          transaction.abort();
        } catch {
          // It has ended already.
        }
        await done.catch(() => {});
        throw error ?? transaction.error;
      }
    },
    close() {
      const closing = opening;
      opening = undefined;
      closing?.then(
        (connection) => connection.close(),
        () => {},
      );
    },
  };
}

/** Opens the connection. A failed one is forgotten at once, so that the next use tries again. */
async function connect({ name, version, upgrade }: DatabaseShape, forget: () => void): Promise<IDBDatabase> {
  try {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = () => upgrade(request.result, request.transaction!);
    const connection = await promisifyRequest(request);
    connection.onclose = forget;
    connection.onversionchange = () => {
      forget();
      connection.close();
    };
    return connection;
  } catch (error) {
    forget();
    throw error;
  }
}

import { promisifyRequest, type UseStore } from "idb-keyval";

/** Whether a transaction is on the disk when it completes (`strict`), or only handed to the system (`relaxed`). */
export type Durability = "strict" | "relaxed";

/** An IndexedDB database. It opens at first use, and again after the browser has closed it. */
export interface Database {
  /** A store for the functions of idb-keyval. */
  store(name: string, durability: Durability): UseStore;
  /** Runs `work` in one transaction over several stores, and waits until it completes. `work` must await only its requests. */
  transaction<T>(
    names: readonly string[],
    mode: IDBTransactionMode,
    durability: Durability,
    work: (transaction: IDBTransaction) => T | Promise<T>,
  ): Promise<T>;
  /** Closes the connection. The next use opens it again. */
  close(): void;
}

/** Schema of a database. Raise `version` to add stores and indexes. */
export interface DatabaseShape {
  readonly name: string;
  readonly version: number;
  /** Called in the transaction of an upgrade. Must skip stores that exist. */
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
        // Some browsers close the connection without an event.
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
          // The transaction has ended.
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

/** Opens the connection. Calls `forget` if it fails or is closed, so that the next use opens another. */
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

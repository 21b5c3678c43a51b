import { type Database, database } from "./database.js";

/** Stores of the database of a spool directory. */
export const JOURNAL = "journal";
export const PARTS = "parts";

/** The database of a spool directory: the journal, and the parts if they are not in OPFS. Opens nothing yet. */
export function spoolDatabase(directory: string): Database {
  return database({
    name: `peekpack-spool/${directory}`,
    version: 1,
    upgrade(connection) {
      for (const name of [JOURNAL, PARTS]) {
        if (!connection.objectStoreNames.contains(name)) connection.createObjectStore(name);
      }
    },
  });
}

import { type Database, database } from "./database.js";

/** The stores of a spool directory's database. */
export const JOURNAL = "journal";
export const PARTS = "parts";

/** The database of a spool directory: its journal, and parts where OPFS is refused. Nothing is opened yet. */
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

/** Stored data of an origin: sizes of files by path, numbers of records by store. */
export interface StoredData {
  readonly files: Readonly<Record<string, number>>;
  readonly records: Readonly<Record<string, number>>;
}

/** Returns the data of a spool or cache directory: in OPFS, and in the databases whose names end with its name. */
export async function storedData(directory: string): Promise<StoredData> {
  const files: Record<string, number> = {};
  const walk = async (at: FileSystemDirectoryHandle, path: string): Promise<void> => {
    for await (const [name, entry] of at.entries()) {
      if (entry.kind === "directory") await walk(entry as FileSystemDirectoryHandle, `${path}${name}/`);
      else files[`${path}${name}`] = (await (entry as FileSystemFileHandle).getFile()).size;
    }
  };
  // A browser without OPFS has no files.
  const root = await (navigator as Partial<Navigator>).storage?.getDirectory?.();
  if (root !== undefined) await walk(await root.getDirectoryHandle(directory, { create: true }), "");
  const records: Record<string, number> = {};
  for (const { name = "" } of await indexedDB.databases()) {
    if (!name.endsWith(`/${directory}`)) continue;
    const database = await settled(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const count = await settled(database.transaction(store).objectStore(store).count());
      if (count > 0) records[store] = count;
    }
    database.close();
  }
  return { files, records };
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Creates a file in the directory of a spool in OPFS, as another version of peekpack could. */
export async function addFile(directory: string, spool: string, name: string): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const spools = await root.getDirectoryHandle(directory, { create: true });
  await (await spools.getDirectoryHandle(spool, { create: true })).getFileHandle(name, { create: true });
}

/** What an origin keeps: files by path with their sizes, records by store. */
export interface Kept {
  readonly files: Readonly<Record<string, number>>;
  readonly records: Readonly<Record<string, number>>;
}

/** What this origin keeps below a name: in the directory of OPFS, and in the databases that end with it. */
export async function kept(directory: string): Promise<Kept> {
  const files: Record<string, number> = {};
  const walk = async (at: FileSystemDirectoryHandle, path: string): Promise<void> => {
    for await (const [name, entry] of at.entries()) {
      if (entry.kind === "directory") await walk(entry as FileSystemDirectoryHandle, `${path}${name}/`);
      else files[`${path}${name}`] = (await (entry as FileSystemFileHandle).getFile()).size;
    }
  };
  // Where there is no such file system, there is nothing in it; one that refuses is not here to ask.
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

/** Browser features that spools and caches need: the reason why one does not work, or undefined. */
export interface FeatureReport {
  /** The origin private file system. */
  readonly opfs: string | undefined;
  readonly webLocks: string | undefined;
  readonly serviceWorkers: string | undefined;
  /** The storage estimate. */
  readonly estimate: string | undefined;
}

/** Tests the features by using them. */
export async function features(): Promise<FeatureReport> {
  const { storage, locks, serviceWorker } = navigator as Partial<Navigator>;
  return {
    opfs: await failure("navigator.storage", storage, async (manager) => {
      const root = await required("navigator.storage.getDirectory()", manager.getDirectory?.());
      await root.getDirectoryHandle("features", { create: true });
      await root.removeEntry("features", { recursive: true });
    }),
    webLocks: await failure("navigator.locks", locks, (manager) =>
      manager.request("features", async () => {}),
    ),
    serviceWorkers: await failure("navigator.serviceWorker", serviceWorker, (container) =>
      container.getRegistrations(),
    ),
    estimate: await failure("navigator.storage", storage, (manager) =>
      required("navigator.storage.estimate()", manager.estimate?.()),
    ),
  };
}

async function failure<T>(
  name: string,
  api: T | undefined,
  use: (api: T) => Promise<unknown>,
): Promise<string | undefined> {
  if (api === undefined) return `${name} is undefined`;
  try {
    await use(api);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function required<T>(name: string, result: Promise<T> | undefined): Promise<T> {
  if (result === undefined) throw new Error(`${name} is missing`);
  try {
    return await result;
  } catch (error) {
    throw new Error(`${name} fails with ${(error as Error).name}`);
  }
}

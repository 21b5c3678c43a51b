/** What spools and caches are made of, each with what is wrong with it here; undefined where it works. */
export interface FeatureReport {
  /** The origin private file system: opened, and a file written to it by whichever way there is. */
  readonly opfs: string | undefined;
  readonly webLocks: string | undefined;
  readonly serviceWorkers: string | undefined;
  /** What the browser says of the room that there is. */
  readonly estimate: string | undefined;
}

/** Finds out by using them. */
export async function features(): Promise<FeatureReport> {
  const { storage, locks, serviceWorker } = navigator as Partial<Navigator>;
  return {
    opfs: await wrong("navigator.storage", storage, async (manager) => {
      const root = await given("navigator.storage.getDirectory()", manager.getDirectory?.());
      await root.getDirectoryHandle("features", { create: true });
      await root.removeEntry("features", { recursive: true });
    }),
    webLocks: await wrong("navigator.locks", locks, (manager) => manager.request("features", async () => {})),
    serviceWorkers: await wrong("navigator.serviceWorker", serviceWorker, (container) =>
      container.getRegistrations(),
    ),
    estimate: await wrong("navigator.storage", storage, (manager) =>
      given("navigator.storage.estimate()", manager.estimate?.()),
    ),
  };
}

async function wrong<T>(
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

async function given<T>(name: string, answer: Promise<T> | undefined): Promise<T> {
  if (answer === undefined) throw new Error(`there is no ${name}`);
  try {
    return await answer;
  } catch (error) {
    throw new Error(`${name} fails with ${(error as Error).name}`);
  }
}

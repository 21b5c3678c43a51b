import { PeekpackError } from "./errors.js";

/**
 * Loads the code of a feature when it is first used. A later call loads again.
 * @param feature what the code is for, as it reads in a message
 * @throws PeekpackError `network` if the code cannot be loaded
 */
export async function loadFeature<T>(feature: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new PeekpackError(
      "network",
      `The code for ${feature} could not be loaded. The page may be offline, or its files were replaced: reload it.`,
      { cause },
    );
  }
}

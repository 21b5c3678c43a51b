import { fileURLToPath } from "node:url";

const inRepository = fileURLToPath(new URL("../../../.cache", import.meta.url));

/**
 * The directory for everything that tests download or build: PEEKPACK_CACHE, else `.cache` in the repository, which git
 * ignores and `npm ci` keeps.
 */
export const cacheDirectory = (): string => process.env.PEEKPACK_CACHE || inRepository;

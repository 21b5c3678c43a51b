import { fileURLToPath } from "node:url";

const inRepository = fileURLToPath(new URL("../../../.cache", import.meta.url));

/**
 * Where tests keep what is dear to make: in the repository, where git ignores it and `npm ci` does not remove it, or
 * where PEEKPACK_CACHE says.
 */
export const cacheDirectory = (): string => process.env.PEEKPACK_CACHE || inRepository;

import { fileURLToPath } from "node:url";

const beside = fileURLToPath(new URL("../../../node_modules/.cache/peekpack", import.meta.url));

/**
 * Where tests keep what is dear to make: beside the packages, so that it is ignored by git and goes away with them, or
 * where PEEKPACK_CACHE says.
 */
export const cacheDirectory = (): string => process.env.PEEKPACK_CACHE || beside;

import { fileURLToPath } from "node:url";

/** Where tests keep what is dear to make: ignored by git, removed with node_modules. */
export const cacheDirectory: string = fileURLToPath(
  new URL("../../../node_modules/.cache/peekpack", import.meta.url),
);

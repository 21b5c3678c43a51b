import { access } from "node:fs/promises";
import { PeekpackError } from "@peekpack/core";

/**
 * Replaces patterns (`*`, `**`, `?`, `[a-z]`, `{a,b}`) by the files that match, in natural order. A name of an existing file is no
 * pattern.
 * @throws PeekpackError `not-found` for a pattern that nothing matches
 */
export async function expandFiles(names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    if (!(await isPattern(name))) found.push(name);
    else {
      // Loaded here because it reads an environment variable when it is loaded, which Deno may forbid.
      const { glob } = await import("tinyglobby");
      const files = await glob(name, { onlyFiles: true, expandDirectories: false, dot: false });
      if (files.length === 0) throw new PeekpackError("not-found", `no file matches ${name}`);
      found.push(...files.sort(new Intl.Collator("en", { numeric: true }).compare));
    }
  }
  return found;
}

async function isPattern(name: string): Promise<boolean> {
  if (!/[*?[{]/.test(name) || /^[a-z][a-z0-9+.-]+:\/\//i.test(name)) return false;
  return access(name).then(
    () => false,
    () => true,
  );
}

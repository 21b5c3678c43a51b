import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One importable path of a published package, with its emitted declarations. */
export interface EntryPoint {
  /** Absolute path of the package's folder. */
  readonly folder: string;
  /** Absolute path of the entry point's `.d.ts` file. */
  readonly declarations: string;
  /** Name of its report, without the extension: `core`, `core.internal`. */
  readonly report: string;
}

interface PackageJson {
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string | { readonly types?: string }>>;
}

/** Lists the entry points of every published package, by the `exports` of its package.json. */
export function entryPoints(root: string): EntryPoint[] {
  const packages = join(root, "packages");
  return readdirSync(packages)
    .sort()
    .flatMap((name) => {
      const folder = join(packages, name);
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as PackageJson;
      if (manifest.private === true) return [];
      return Object.entries(manifest.exports ?? {}).flatMap(([subpath, target]) => {
        if (typeof target === "string" || target.types === undefined) return [];
        const suffix = subpath === "." ? "" : `.${subpath.slice(2).replaceAll("/", ".")}`;
        return [{ folder, declarations: join(folder, target.types), report: `${name}${suffix}` }];
      });
    });
}

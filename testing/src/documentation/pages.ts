import { readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";

const IGNORED = new Set(["node_modules", "reference", "dist"]);

/** Lists the pages for users: README.md, the README of each package, and docs. @returns paths relative to `root` */
export function documentationPages(root: string): string[] {
  const below = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      if (entry.name.startsWith(".") || IGNORED.has(entry.name)) return [];
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return below(path);
      return entry.name.endsWith(".md") ? [path] : [];
    });
  const packages = readdirSync(join(root, "packages")).map((name) =>
    join(root, "packages", name, "README.md"),
  );
  return [join(root, "README.md"), ...packages, ...below(join(root, "docs"))]
    .map((path) => relative(root, path).replaceAll(sep, "/"))
    .sort();
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The subpaths of packages that the packages of this repository import. A page lists them in its import map. */
const IMPORTED: readonly string[] = [
  "@peekpack/arrow",
  "@peekpack/core",
  "@peekpack/core/inspect",
  "@peekpack/core/internal",
  "@peekpack/core/tagged",
  "@peekpack/core/verify",
  "@peekpack/jsonpath",
  "@peekpack/s3",
  "@peekpack/s3/internal",
  "@peekpack/web-storage",
  "@peekpack/zstd",
  "@hpcc-js/wasm-zstd",
  "@noble/hashes/legacy.js",
  "@noble/hashes/sha2.js",
  "@noble/hashes/hmac.js",
  "@uwdata/flechette",
  "idb-keyval",
  "iregexp-check/dist/iregexp-check.esm.js",
  "json-p3",
  "re2js",
  "xxhash-wasm",
];

const CONDITIONS: ReadonlySet<string> = new Set(["browser", "import", "module", "default"]);

/** An import map of the packages that a project has installed. */
export async function importMap(
  folder: string,
): Promise<{ readonly imports: Readonly<Record<string, string>> }> {
  const imports: Record<string, string> = {};
  for (const specifier of IMPORTED) {
    const [, name, subpath] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(specifier)!;
    const manifest = await readFile(join(folder, "node_modules", name!, "package.json"), "utf8").catch(
      () => undefined,
    );
    if (manifest === undefined) continue;
    const { exports, module, main } = JSON.parse(manifest) as Record<string, unknown>;
    const target =
      exports === undefined && subpath !== ""
        ? subpath
        : (exported(exports, `.${subpath}`) ?? module ?? main);
    if (typeof target === "string") imports[specifier] = join("/node_modules", name!, target);
  }
  return { imports };
}

/** The file of a subpath under the conditions of a page. */
function exported(exports: unknown, subpath: string): string | undefined {
  if (typeof exports === "string") return subpath === "." ? exports : undefined;
  if (typeof exports !== "object" || exports === null) return undefined;
  const paths = exports as Record<string, unknown>;
  return chosen(Object.keys(paths).some((key) => key.startsWith(".")) ? paths[subpath] : paths);
}

function chosen(target: unknown): string | undefined {
  if (typeof target === "string") return target;
  if (typeof target !== "object" || target === null) return undefined;
  for (const [condition, inner] of Object.entries(target)) {
    const found = CONDITIONS.has(condition) ? chosen(inner) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

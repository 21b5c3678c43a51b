import { readdir } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { PeekpackError } from "@peekpack/core";

/** A file of the built explorer. */
export interface PageFile {
  readonly path: string;
  readonly type: string;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
};

/** Where the build of this package puts the explorer. */
const FOLDER = fileURLToPath(new URL("../dist/explorer/", import.meta.url));

/**
 * The files of the built explorer, by their URL below the page's own: '' is the page. Nothing else can be asked for.
 * @throws PeekpackError `not-found` if it was not built
 */
export async function explorerPage(): Promise<ReadonlyMap<string, PageFile>> {
  const found = await readdir(FOLDER, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, PageFile>();
  for (const entry of found) {
    const path = join(entry.parentPath, entry.name);
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const name = relative(FOLDER, path).split(sep).join("/");
    files.set(name === "index.html" ? "" : name, { path, type });
  }
  if (!files.has("")) {
    throw new PeekpackError(
      "not-found",
      "the explorer was not built: run npm run build:page --workspace @peekpack/cli, or use --shell",
    );
  }
  return files;
}

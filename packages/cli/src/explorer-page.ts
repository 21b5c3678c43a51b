import { readdir } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { PeekpackError, type RangeSource } from "@peekpack/core";
import { fileSource } from "@peekpack/node-storage";

/** A file of the built explorer. */
export interface PageFile {
  readonly path: string;
  readonly type: string;
}

/** An archive that the explorer can open. */
export interface ServedArchive {
  /** Its URL below the page's own. The page shows the last part. */
  readonly path: string;
  readonly source: RangeSource;
  /** Where the archive starts in the source. */
  readonly offset: number;
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

/** Archives that the first page offers. The build writes them beside the page. */
const SAMPLES = ["browser-compat-data.msglc.zst"] as const;

/** The sample archives, each as it is stored and decompressed. The caller closes them. */
export async function sampleArchives(): Promise<readonly ServedArchive[]> {
  const { zstdSource } = await import("@peekpack/zstd");
  return SAMPLES.flatMap((name) => {
    const stored = (): RangeSource => fileSource(join(FOLDER, "samples", name));
    return [
      { path: `samples/${name}`, source: stored(), offset: 0 },
      { path: `samples/${name.replace(/\.zst$/, "")}`, source: zstdSource(stored()), offset: 0 },
    ];
  });
}

import { PeekpackError } from "../errors.js";
import type { Header } from "../format/header.js";
import { beginsAsFooter, FOOTER_SIZE } from "../format/page-index-footer.js";
import type { Limits } from "../limits.js";
import { loadFeature } from "../load-feature.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";
import { type ArchiveExtent, type PageIndex, type PageIndexFound, tableStart } from "./archive-extent.js";
import type { PageIndexInfo } from "./page-index-info.js";

/** What an archive is opened with: its header, and its table or the index that finds pieces of it. */
export interface ArchiveParts {
  readonly header: Header;
  /** Offset of the magic in the source. */
  readonly start: number;
  readonly table: Uint8Array | PageIndex;
  readonly pageIndex: PageIndexInfo;
}

/** What opening an archive has found out. */
export interface Opened {
  readonly parts: ArchiveParts;
  readonly headerBytes: Uint8Array;
  /** Size of the object, if it is known. */
  readonly size: number | undefined;
  /** Version of the object, if it has one. */
  readonly version: string | undefined;
}

const UNNEEDED: PageIndexInfo = { state: "unneeded", bytes: 0, sidecar: false };

/** Loads the code for page indexes. @throws PeekpackError `network` */
export function pageIndexFeature(): Promise<typeof import("./page-index.js")> {
  return loadFeature("page indexes", () => import("./page-index.js"));
}

/**
 * Finds the table of an archive, or its page index. What the pieces do not hold is read.
 * @throws PeekpackError `limit` for a table beyond `maxTocBytes`, and what the source rejects with
 */
export async function readTable(
  source: RangeSource,
  extent: ArchiveExtent,
  options: {
    readonly limits: Limits;
    /** Memory for tables. */
    readonly cacheBytes: number;
    readonly sidecar?: RangeSource | undefined;
    readonly reading?: ReadOptions | undefined;
  },
): Promise<ArchiveParts> {
  const { header, start, pieces } = extent;
  const { limits, sidecar } = options;
  const reading: ReadOptions = { ...options.reading, reason: "open" };
  const from = tableStart(extent);
  const to = from + header.tocSize;
  const checkSize = (): void => {
    if (header.tocSize > limits.maxTocBytes) {
      const text = `The table of contents takes ${header.tocSize} bytes (limit maxTocBytes).`;
      throw new PeekpackError("limit", text, { section: "toc" });
    }
  };
  const here = (first: number, last: number): Uint8Array | undefined => {
    const piece = pieces.find(({ start, bytes }) => start <= first && last <= start + bytes.length);
    return piece?.bytes.subarray(first - piece.start, last - piece.start);
  };
  // A table that is here already needs no index.
  const table = here(from, to);
  if (table !== undefined) {
    checkSize();
    return { header, start, table: source.local ? table : trimmed(table), pageIndex: UNNEEDED };
  }
  const read = async (first: number, last: number): Promise<Uint8Array> =>
    here(first, last) ?? (await source.read([{ start: first, end: last }], reading))[0]!;
  // A local table that fits the memory for tables is cheaper than pages: its reads are no requests.
  const isCheap = source.local === true && header.tocSize <= options.cacheBytes && sidecar === undefined;
  const { index, info } = isCheap
    ? ({ info: UNNEEDED } as PageIndexFound)
    : sidecar === undefined
      ? await indexAfterTable(source, extent, to, read)
      : await (await pageIndexFeature()).openSidecar(sidecar, extent, reading);
  if (index !== undefined) return { header, start, table: index, pageIndex: info };
  checkSize();
  const [whole] = await source.read([{ start: from, end: to }], { ...reading, reason: "toc" });
  return { header, start, table: whole!, pageIndex: info };
}

/** Looks for a page index between the table and the end of the archive's room. */
async function indexAfterTable(
  source: RangeSource,
  extent: ArchiveExtent,
  start: number,
  read: (start: number, end: number) => Promise<Uint8Array>,
): Promise<PageIndexFound> {
  const { end = start } = extent;
  if (end - start < FOOTER_SIZE || !beginsAsFooter(await read(end - FOOTER_SIZE, end))) {
    return { info: { ...UNNEEDED, state: "none" } };
  }
  return (await pageIndexFeature()).openPageIndex(source, extent, { start, end }, read, false);
}

/** A view of a buffer that it is most of, else a copy that lets the rest of the buffer go. */
function trimmed(bytes: Uint8Array): Uint8Array {
  return bytes.length * 2 >= bytes.buffer.byteLength ? bytes : bytes.slice();
}

import { PeekpackError } from "../errors.js";
import { HEADER_SIZE, type Header } from "../format/header.js";
import type { Limits } from "../limits.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";
import { type ArchiveExtent, findPageIndex, type PageIndex, type PageIndexInfo } from "./page-index.js";

/** What an archive is opened with: its header, and its table or the index that finds pieces of it. */
export interface ArchiveParts {
  readonly header: Header;
  /** Offset of the magic in the source. */
  readonly start: number;
  readonly table: Uint8Array | PageIndex;
  readonly pageIndex: PageIndexInfo;
}

/**
 * Finds the table of an archive, or its page index. What the pieces do not hold is read.
 * @throws PeekpackError `limit` for a table beyond `maxTocBytes`, and what the source rejects with
 */
export async function readTable(
  source: RangeSource,
  found: ArchiveExtent,
  options: {
    readonly limits: Limits;
    readonly sidecar?: RangeSource | undefined;
    readonly reading?: ReadOptions | undefined;
  },
): Promise<ArchiveParts> {
  const { header, start, pieces } = found;
  const { limits, sidecar, reading } = options;
  const tableStart = start + HEADER_SIZE + header.tocStart;
  const tableEnd = tableStart + header.tocSize;
  const piece = pieces.find(
    ({ start: from, bytes }) => from <= tableStart && tableEnd <= from + bytes.length,
  );
  const checkSize = (): void => {
    if (header.tocSize > limits.maxTocBytes) {
      throw new PeekpackError(
        "limit",
        `The table of contents takes ${header.tocSize} bytes (limit maxTocBytes).`,
        { section: "toc" },
      );
    }
  };
  // A table that is here already needs no index.
  if (piece !== undefined) {
    checkSize();
    const table = trimmed(piece.bytes, tableStart - piece.start, tableEnd - piece.start);
    return { header, start, table, pageIndex: { state: "unneeded", bytes: 0, sidecar: false } };
  }
  const { index, info } = await findPageIndex(source, found, sidecar, reading);
  if (index !== undefined) return { header, start, table: index, pageIndex: info };
  checkSize();
  const range = { start: tableStart, end: tableEnd };
  const [table] = await source.read([range], { ...reading, reason: "toc" });
  return { header, start, table: table!, pageIndex: info };
}

/** Some of the bytes: a view if it is most of them, else a copy that lets the rest go. */
function trimmed(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return (end - start) * 2 >= bytes.length ? bytes.subarray(start, end) : bytes.slice(start, end);
}

import { concat } from "../bytes.js";
import { PeekpackError } from "../errors.js";
import { decodeHeader, HEADER_SIZE } from "../format/header.js";
import { PageIndexBuilder } from "../format/page-index-builder.js";
import type { PageIndexTotals } from "../format/page-index-layout.js";
import { type Limits, resolveLimits } from "../limits.js";
import type { ArchiveSource } from "../reader/open-archive.js";
import { sequentialSource } from "./sequential-source.js";

/** Bytes of the table that are read at a time. */
const CHUNK = 4 * 1024 * 1024;

/** How the page index of an archive is built. */
export interface BuildPageIndexOptions {
  /** Where the archive starts in its object. Default 0. */
  readonly offset?: number | undefined;
  /** Of the limits `maxDepth` matters. */
  readonly limits?: Partial<Limits> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The page index of an archive. */
export interface BuiltPageIndex {
  /** What goes right after the archive's table, or into an object of its own. */
  readonly bytes: Uint8Array;
  readonly info: PageIndexTotals;
}

/**
 * Builds the page index of an existing archive, by any writer. Reads the header and the table, in pieces.
 *
 * @throws PeekpackError `unsupported-value` if the table cannot be indexed, or is no larger than a page; `not-an-archive`,
 *   `unfinished`, `truncated`, `corrupt`, `limit`, and what the source rejects with
 * @throws TypeError if `source` is not a source; RangeError if `offset` or a limit is invalid
 */
export async function buildPageIndex(
  source: ArchiveSource,
  options: BuildPageIndexOptions = {},
): Promise<BuiltPageIndex> {
  const { offset = 0, signal } = options;
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw new RangeError("offset is an integer of at least 0.");
  const { maxDepth } = resolveLimits(options.limits);
  const from = await sequentialSource(source);
  const { size, head } = await from.probe({ head: offset === 0 ? HEADER_SIZE : 0, tail: 0 }, { signal });
  const read = async (start: number, end: number): Promise<Uint8Array> =>
    (await from.read([{ start, end }], { signal }))[0]!;
  const header =
    offset === 0 ? head : await read(offset, Math.max(offset, Math.min(offset + HEADER_SIZE, size)));
  const { protocol, tocStart, tocSize } = decodeHeader(header, size - offset, offset);
  const builder = new PageIndexBuilder({ protocol, tocStart, maxDepth });
  const start = offset + HEADER_SIZE + tocStart;
  const end = start + tocSize;
  for (let at = start; at < end && builder.reason === undefined; at += CHUNK) {
    builder.write(await read(at, Math.min(at + CHUNK, end)));
  }
  const index = builder.finish();
  if (index === undefined) {
    throw new PeekpackError(
      "unsupported-value",
      `${from.label} cannot have a page index: ${builder.reason}.`,
      { section: "toc" },
    );
  }
  return { bytes: concat([...index.chunks()]), info: index.info };
}

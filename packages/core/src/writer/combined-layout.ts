import { concat } from "../bytes.js";
import { PeekpackError } from "../errors.js";
import { encodeHeader, HEADER_SIZE, type Protocol } from "../format/header.js";
import type { Archive } from "../reader/archive.js";
import type { ByteRange } from "../source/range-source.js";
import { CombinedToc } from "./combined-toc.js";
import { checkedPageIndex, type EncodeOptions } from "./options.js";
import { indexChunks } from "./table-indexer.js";

/** What a combined archive holds besides its children. In order: header, `kept`, children, table, index. */
export interface CombinedLayout {
  /** The header: 50 bytes. */
  readonly header: Uint8Array;
  /** The table of contents. */
  readonly table: Uint8Array;
  /** The page index that follows the table. Empty if there is none. */
  readonly index: Uint8Array;
  /** Size of the whole archive in bytes. */
  readonly size: number;
  /** The children that the archive already has, as a range of its object. Undefined unless it is appended to. */
  readonly kept: ByteRange | undefined;
}

/** How a combined archive is laid out. */
export interface CombinedLayoutOptions {
  /** Codec of the table. Default "msgpack". */
  readonly codec?: Protocol | undefined;
  /** The combined archive that children are appended to, in its own codec. */
  readonly onto?: Archive | undefined;
  /** Whether the table gets a page index, as for {@link encodeArchive}. Default "auto". */
  readonly pageIndex?: EncodeOptions["pageIndex"];
}

/**
 * Makes the header, the table and the index of a combined archive whose children are put together elsewhere, for example by the
 * server that has them. `size` is a child's size in bytes, with all that belongs to it.
 *
 * @throws PeekpackError `duplicate-name`; `unsupported-value` if there are no children, if only some have names, or if `onto` is
 *   not a combined archive
 * @throws TypeError if `pageIndex` is neither "auto" nor a boolean
 */
export async function combinedLayout(
  children: readonly { readonly name?: string | undefined; readonly size: number }[],
  options: CombinedLayoutOptions = {},
): Promise<CombinedLayout> {
  const { onto } = options;
  const pageIndex = checkedPageIndex(options.pageIndex);
  const core = onto?.["~location"]().archive;
  const protocol = core?.header.protocol ?? options.codec ?? "msgpack";
  const toc = core === undefined ? new CombinedToc(protocol) : await CombinedToc.of(core);
  const kept = core && { start: core.origin, end: core.origin + core.header.tocStart };
  let position = kept === undefined ? 0 : kept.end - kept.start;
  for (const { name, size } of children) {
    toc.take(name, position);
    position += size;
  }
  if (toc.count === 0) {
    throw new PeekpackError("unsupported-value", "A combined archive needs at least one child.");
  }
  const table = toc.encode();
  const header = encodeHeader({ protocol, tocStart: position, tocSize: table.length });
  const index = concat([...indexChunks({ protocol, pageIndex, maxDepth: 1 }, position, table)]);
  return { header, table, index, size: HEADER_SIZE + position + table.length + index.length, kept };
}

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
  /** Where, in the object of the archive that is appended to, the children lie that it has already. */
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
 * Works out the header and the table of a combined archive whose children's bytes are put together elsewhere, for example by
 * the server that has them. `size` is a child's whole size in bytes. With `onto`, children are appended to a combined
 * archive, in its own codec.
 *
 * @throws PeekpackError `duplicate-name`; `unsupported-value` for no children at all, for names on some only, and where `onto` is
 *   not a combined archive
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

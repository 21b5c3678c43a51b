import { PeekpackError } from "../errors.js";
import { decodeHeader, HEADER_SIZE } from "../format/header.js";
import { FOOTER_SIZE } from "../format/page-index-footer.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";
import { changed } from "../source/source-error.js";
import { type Opened, pageIndexFeature } from "./archive-parts.js";
import { FIXED_SIZE, type KeptIndex, MARK, TABLES, VERSION } from "./kept-index.js";

/**
 * Reads what {@link encodeIndex} wrote. `table` is a view.
 * @throws PeekpackError `corrupt` if the bytes are something else
 */
export function decodeIndex(bytes: Uint8Array): KeptIndex {
  const damaged = (): PeekpackError =>
    new PeekpackError("corrupt", "These bytes are not an index that `archive.index()` made.", {
      section: "toc",
    });
  if (
    bytes.length < FIXED_SIZE + HEADER_SIZE ||
    MARK.some((byte, i) => bytes[i] !== byte) ||
    bytes[MARK.length] !== VERSION
  ) {
    throw damaged();
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const holds = TABLES[bytes[MARK.length + 1]!];
  const at = MARK.length + 2;
  const offset = Number(view.getBigUint64(at));
  const size = Number(view.getBigUint64(at + 8)) - 1;
  const versionField = view.getUint16(at + 16);
  const versionSize = Math.max(versionField - 1, 0);
  const rest = bytes.subarray(FIXED_SIZE + versionSize);
  if (
    holds === undefined ||
    rest.length <= HEADER_SIZE ||
    !Number.isSafeInteger(offset) ||
    !Number.isSafeInteger(size)
  ) {
    throw damaged();
  }
  const header = decodeHeader(rest);
  const table = rest.subarray(HEADER_SIZE);
  if (holds === "table" && table.length !== header.tocSize) throw damaged();
  return {
    header,
    headerBytes: rest.subarray(0, HEADER_SIZE),
    holds,
    table,
    offset,
    size: size < 0 ? undefined : size,
    version:
      versionField === 0
        ? undefined
        : new TextDecoder().decode(bytes.subarray(FIXED_SIZE, FIXED_SIZE + versionSize)),
  };
}

/** Opens by a kept index, without a request, unless the source cannot pin a version. */
export async function openKept(
  source: RangeSource,
  kept: KeptIndex,
  sidecar: RangeSource | undefined,
  options: { readonly signal?: AbortSignal | undefined },
): Promise<Opened> {
  const { header, headerBytes, offset, size, version, holds, table } = kept;
  if (source.pin) {
    source.pin({ size, version });
  } else if (size !== undefined || version !== undefined) {
    // The version is compared now: reads of this source would accept any.
    const reading: ReadOptions = { signal: options.signal, reason: "open" };
    const probe = await source.probe({ head: HEADER_SIZE, tail: 0 }, reading);
    if ((size ?? probe.size) !== probe.size || (version ?? probe.version) !== probe.version) {
      throw changed(source.label);
    }
  }
  if (holds === "table") {
    const pageIndex = { state: "unneeded", bytes: 0, sidecar: false } as const;
    return { parts: { header, start: offset, table, pageIndex }, headerBytes, size, version };
  }
  const from = holds === "sidecar" ? sidecar : source;
  if (from === undefined) {
    // Damaged bytes may say so as well.
    throw new PeekpackError(
      "not-found",
      "This index was made with a page index of its own: give it as `pageIndex` again.",
      { section: "toc" },
    );
  }
  const { openPageIndex } = await pageIndexFeature();
  const start = holds === "sidecar" ? 0 : offset + HEADER_SIZE + header.tocStart + header.tocSize;
  const end = start + indexSize(table);
  const read = async (first: number, last: number): Promise<Uint8Array> =>
    table.subarray(Math.max(0, table.length - (end - first)), Math.max(0, table.length - (end - last)));
  const { index, info } = await openPageIndex(from, { header }, { start, end }, read, holds === "sidecar");
  if (index === undefined || index.bytes.length !== table.length) {
    throw new PeekpackError("corrupt", "The kept page index is damaged.", { section: "toc" });
  }
  return { parts: { header, start: offset, table: index, pageIndex: info }, headerBytes, size, version };
}

/** The length of a page index, as its footer states it. */
function indexSize(bytes: Uint8Array): number {
  const at = bytes.length - FOOTER_SIZE + 32;
  return at < 0 ? 0 : Number(new DataView(bytes.buffer, bytes.byteOffset + at).getBigUint64(0, true));
}

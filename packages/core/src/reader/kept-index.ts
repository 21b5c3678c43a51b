import { PeekpackError } from "../errors.js";
import { decodeHeader, HEADER_SIZE, type Header } from "../format/header.js";
import { FIXED, MARK } from "./index-bytes.js";

/** What is kept of an archive to open it again without a request. */
export interface KeptIndex {
  readonly header: Header;
  readonly headerBytes: Uint8Array;
  readonly toc: Uint8Array;
  /** Offset of the archive in its object. */
  readonly offset: number;
  /** Size of the object, where it was known. */
  readonly size: number | undefined;
  /** Version of the object, where it had one. */
  readonly version: string | undefined;
}

/**
 * Reads what `encodeIndex` wrote. `toc` is a view.
 * @throws PeekpackError `corrupt` when it is nothing of the kind.
 */
export function decodeIndex(bytes: Uint8Array): KeptIndex {
  const damaged = (): PeekpackError =>
    new PeekpackError("corrupt", "These bytes are not an index that `archive.index()` made.", {
      section: "toc",
    });
  if (bytes.length < FIXED + HEADER_SIZE || MARK.some((byte, i) => bytes[i] !== byte)) throw damaged();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const offset = Number(view.getBigUint64(MARK.length));
  const size = Number(view.getBigUint64(MARK.length + 8)) - 1;
  const versionSize = Math.max(view.getUint16(MARK.length + 16) - 1, 0);
  const rest = bytes.subarray(FIXED + versionSize);
  if (rest.length <= HEADER_SIZE || !Number.isSafeInteger(offset) || !Number.isSafeInteger(size))
    throw damaged();
  const header = decodeHeader(rest);
  const toc = rest.subarray(HEADER_SIZE);
  if (toc.length !== header.tocSize) throw damaged();
  return {
    header,
    headerBytes: rest.subarray(0, HEADER_SIZE),
    toc,
    offset,
    size: size < 0 ? undefined : size,
    version:
      view.getUint16(MARK.length + 16) === 0
        ? undefined
        : new TextDecoder().decode(bytes.subarray(FIXED, FIXED + versionSize)),
  };
}

import { PeekpackError } from "@peekpack/core";
import { uint32 } from "./uint32.js";

/** How a Zstandard frame begins, as a little-endian number (RFC 8878, 3.1.1). */
const FRAME_MAGIC = 0xfd2fb528;
/** How a skippable frame begins. The last four bits are free (RFC 8878, 3.1.2). */
const SKIPPABLE_MAGIC = 0x184d2a50;

/** What the header of a Zstandard frame says. */
export interface FrameHeader {
  /** Length of the header in bytes: where the first block begins. */
  readonly length: number;
  /** Length of the content in bytes, if the frame declares it. */
  readonly contentSize: number | undefined;
  /** How far back the frame may refer, in bytes. */
  readonly windowSize: number;
  /** Whether a checksum of the content follows the last block. */
  readonly checksum: boolean;
}

/** Whether the bytes begin with a Zstandard frame or with a skippable frame. */
export function isZstd(bytes: Uint8Array): boolean {
  const magic = uint32(bytes, 0);
  return magic === FRAME_MAGIC || (magic & ~15) === SKIPPABLE_MAGIC;
}

/**
 * Reads the header of a frame.
 * @throws PeekpackError `corrupt`; `unsupported-value` if the frame needs a dictionary
 */
export function decodeFrameHeader(frame: Uint8Array): FrameHeader {
  const fail = (text: string): PeekpackError => new PeekpackError("corrupt", text, { section: "source" });
  if (uint32(frame, 0) !== FRAME_MAGIC) throw fail("There is no Zstandard frame where the table says.");
  const descriptor = frame[4] ?? 8;
  if ((descriptor & 8) !== 0) throw fail("The descriptor of a Zstandard frame is invalid.");
  const singleSegment = (descriptor & 32) !== 0;
  let at = 5;
  let windowSize = 0;
  if (!singleSegment) {
    const byte = frame[at++] ?? 0;
    windowSize = 2 ** (10 + (byte >> 3)) * (1 + (byte & 7) / 8);
  }
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  if (frame.subarray(at, at + dictionary).some((byte) => byte !== 0)) {
    throw new PeekpackError("unsupported-value", "A Zstandard frame needs a dictionary.", {
      section: "source",
    });
  }
  at += dictionary;
  const width = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  if (at + width > frame.length) throw fail("A Zstandard frame ends within its header.");
  let contentSize: number | undefined;
  if (width > 0) {
    contentSize = width === 2 ? 256 : 0;
    for (let i = 0; i < width; i++) contentSize += frame[at + i]! * 2 ** (8 * i);
  }
  return {
    length: at + width,
    contentSize,
    windowSize: singleSegment ? contentSize! : windowSize,
    checksum: (descriptor & 4) !== 0,
  };
}

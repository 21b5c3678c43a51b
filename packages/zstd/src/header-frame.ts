import { HEADER_SIZE } from "@peekpack/core";
import { withChecksum } from "./compressor.js";

/**
 * Encodes the header of an archive as a frame of its own, without an encoder. The frame of a usual header takes 50 bytes, as many as the
 * header. So the header can be written last into the room that every sink leaves for it, and nothing moves.
 *
 * The 50 bytes: magic 4, descriptor 1, content size 4; a block that repeats a zero 20 times, 4; a block of the other 30 bytes, 33; and
 * the checksum, 4. Without a checksum the content size takes 8 bytes.
 */
export function headerFrame(header: Uint8Array, checksum: number | undefined): Uint8Array {
  const zeros = header.length === HEADER_SIZE && header.subarray(0, 20).every((byte) => byte === 0) ? 20 : 0;
  const rest = header.length - zeros;
  const sizeWidth = checksum === undefined ? 8 : 4;
  const frame = new Uint8Array(5 + sizeWidth + (zeros ? 4 : 0) + 3 + rest);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 0xfd2fb528, true);
  // One segment, and the width of the content size.
  frame[4] = 0x20 | (sizeWidth === 8 ? 0xc0 : 0x80);
  view.setUint32(5, header.length, true);
  let at = 5 + sizeWidth;
  if (zeros) {
    // Not the last block, type 1, 20 bytes.
    view.setUint32(at, (zeros << 3) | 2, true);
    at += 4;
  }
  // The last block, type 0.
  const head = (rest << 3) | 1;
  frame.set([head & 255, (head >> 8) & 255, head >> 16], at);
  frame.set(header.subarray(zeros), at + 3);
  return checksum === undefined ? frame : withChecksum(frame, checksum);
}

/** Length of the footer of a page index in bytes: it ends with it. */
export const FOOTER_SIZE = 64;

/** How a footer begins: ASCII `PEEKPGIX`. */
export const FOOTER_MAGIC: readonly number[] = [0x50, 0x45, 0x45, 0x4b, 0x50, 0x47, 0x49, 0x58];

/** Whether bytes begin as a footer does. Only its checksum tells whether they are one. */
export function beginsAsFooter(bytes: Uint8Array): boolean {
  return FOOTER_MAGIC.every((byte, i) => bytes[i] === byte);
}

/** Whether `bytes[start … end)` is well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const first = bytes[at++]!;
    if (first < 0x80) continue;
    let more = 1;
    let low = 0x80;
    let high = 0xbf;
    if (first < 0xc2) return false;
    if (first < 0xe0) {
      more = 1;
    } else if (first < 0xf0) {
      more = 2;
      if (first === 0xe0) low = 0xa0;
      if (first === 0xed) high = 0x9f;
    } else if (first < 0xf5) {
      more = 3;
      if (first === 0xf0) low = 0x90;
      if (first === 0xf4) high = 0x8f;
    } else {
      return false;
    }
    if (at + more > end) return false;
    for (; more > 0; more--) {
      const next = bytes[at++]!;
      if (next < low || next > high) return false;
      low = 0x80;
      high = 0xbf;
    }
  }
  return true;
}

// A BOM at the start of a text is part of the text.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Decodes `bytes[start … end)`, which are known to be well-formed. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start < 16) {
    let text = "";
    for (let at = start; at < end; at++) {
      const unit = bytes[at]!;
      if (unit >= 0x80) return decoder.decode(bytes.subarray(start, end));
      text += String.fromCharCode(unit);
    }
    return text;
  }
  return decoder.decode(bytes.subarray(start, end));
}

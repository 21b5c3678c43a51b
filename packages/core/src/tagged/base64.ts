/** Bytes that become text at a time: each is an argument of a call. A multiple of 3, so that no padding is in between. */
const STEP = 8190;

/** Bytes as base64. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += STEP) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + STEP)));
  }
  return text;
}

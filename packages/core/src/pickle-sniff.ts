/**
 * Whether bytes may be a pickled numpy array, as the reference recognises one: `multiarray` within the first 40
 * bytes, here also the first byte of every pickle of protocol 2 and later. What is one, only the decoder can tell.
 */
export function mayBeNumpyPickle(bytes: Uint8Array): boolean {
  return bytes[0] === 0x80 && String.fromCharCode(...bytes.subarray(0, 40)).includes("multiarray");
}

/** Whether a byte string in encoded values may be a pickled numpy array. */
export function mayHoldNumpyPickle(bytes: Uint8Array): boolean {
  return new TextDecoder("latin1").decode(bytes).includes("multiarray");
}

import type { Codec, Decoder } from "../codec/codec.js";
import type { Protocol } from "../format/sound-header.js";

/** @throws TypeError when a codec is for archives of another protocol. */
export function checkCodec(codec: Codec, protocol: Protocol): void {
  if (codec.protocol !== protocol) {
    throw new TypeError(`The codec given is for ${codec.protocol}; the archive is ${protocol}.`);
  }
}

/** A custom codec's decoding over a built-in decoder's. */
export function withCodec(base: Decoder, codec: Codec): Decoder {
  if (codec.decode === undefined || codec.protocol !== base.protocol) return base;
  return {
    protocol: base.protocol,
    cursor: (bytes) => base.cursor(bytes),
    check: (bytes, limits, count) => base.check(bytes, limits, count),
    decode(bytes, count, options) {
      base.check(bytes, options.limits, count);
      const values = codec.decode!(bytes, count, options);
      if (values.length !== count)
        throw new TypeError(`The codec decoded ${values.length} items of ${count}.`);
      return { values, hasBytes: true };
    },
  };
}

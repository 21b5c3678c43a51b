import { headSize, headValue } from "../codec/cbor-head.js";
import type { Protocol } from "../format/header.js";

/**
 * Whether well-formed bytes are what the encoder writes for their values, so that they can be copied: every integer and
 * length in its shortest form, floats in 64 bits. False for items without a plain form (extensions, tags, half floats other
 * than NaN and ±∞, indefinite lengths).
 */
export function isCanonical(bytes: Uint8Array, protocol: Protocol): boolean {
  return protocol === "cbor" ? cbor(bytes) : msgpack(bytes);
}

function msgpack(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; ) {
    const type = bytes[at++]!;
    if (type < 0xa0 || type >= 0xe0) continue;
    if (type < 0xc0) {
      at += type & 31;
      continue;
    }
    switch (type) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        break;
      case 0xc4:
        at += 1 + bytes[at]!;
        break;
      case 0xc5:
      case 0xda: {
        const length = view.getUint16(at);
        if (length < 0x100) return false;
        at += 2 + length;
        break;
      }
      case 0xc6:
      case 0xdb: {
        const length = view.getUint32(at);
        if (length < 0x10000) return false;
        at += 4 + length;
        break;
      }
      case 0xcb:
        at += 8;
        break;
      case 0xcc:
        if (bytes[at]! < 0x80) return false;
        at += 1;
        break;
      case 0xcd:
        if (view.getUint16(at) < 0x100) return false;
        at += 2;
        break;
      case 0xce:
        if (view.getUint32(at) < 0x10000) return false;
        at += 4;
        break;
      case 0xcf:
        if (view.getUint32(at) === 0) return false;
        at += 8;
        break;
      case 0xd0:
        if (view.getInt8(at) >= -0x20) return false;
        at += 1;
        break;
      case 0xd1:
        if (view.getInt16(at) >= -0x80) return false;
        at += 2;
        break;
      case 0xd2:
        if (view.getInt32(at) >= -0x8000) return false;
        at += 4;
        break;
      case 0xd3:
        if (view.getBigInt64(at) >= -0x80000000n) return false;
        at += 8;
        break;
      case 0xd9:
        if (bytes[at]! < 32) return false;
        at += 1 + bytes[at]!;
        break;
      case 0xdc:
      case 0xde:
        if (view.getUint16(at) < 16) return false;
        at += 2;
        break;
      case 0xdd:
      case 0xdf:
        if (view.getUint32(at) < 0x10000) return false;
        at += 4;
        break;
      default:
        return false;
    }
  }
  return true;
}

function cbor(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; ) {
    const type = bytes[at++]!;
    const major = type >> 5;
    const info = type & 31;
    if (major === 7) {
      if (type === 0xfb) {
        // NaN and infinities have a shorter form.
        if ((view.getUint16(at) & 0x7ff0) === 0x7ff0) return false;
        at += 8;
      } else if (type === 0xf9) {
        const bits = view.getUint16(at);
        if (bits !== 0x7e00 && bits !== 0x7c00 && bits !== 0xfc00) return false;
        at += 2;
      } else if (type < 0xf4 || type > 0xf6) return false;
      continue;
    }
    const size = headSize(type);
    if (major === 6 || info === 31 || size === 0) return false;
    const value = headValue(view, at - 1);
    if (size > 1 && value < (size === 2 ? 24 : 2 ** ((size - 1) * 4))) return false;
    at += size - 1;
    if (major === 2 || major === 3) at += value;
  }
  return true;
}

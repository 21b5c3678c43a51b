/** The decoding of plain items, for tests that must not share code with what they test: no extensions, no tags. */

const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Decodes items that lie one after the other. Maps become Map, integers beyond 2^53 bigint. */
export function decodePlain(bytes: Uint8Array, codec: "msgpack" | "cbor"): unknown[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values: unknown[] = [];
  let at = 0;
  const take = (count: number): Uint8Array => {
    at += count;
    if (at > bytes.length) throw new Error("The bytes end within an item");
    return bytes.slice(at - count, at);
  };
  const uint = (width: number): number | bigint => {
    const wide = take(width).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    return wide <= Number.MAX_SAFE_INTEGER ? Number(wide) : wide;
  };
  const list = (count: number): unknown[] => Array.from({ length: count }, () => item());
  const map = (count: number): Map<unknown, unknown> =>
    new Map(Array.from({ length: count }, (): [unknown, unknown] => [item(), item()]));

  const cbor = (): unknown => {
    const type = take(1)[0]!;
    const info = type & 31;
    if (type === 0xf4 || type === 0xf5) return type === 0xf5;
    if (type === 0xf6) return null;
    if (type === 0xf9) {
      // The writer has 16-bit floats for NaN and the infinities alone.
      const bits = uint(2) as number;
      return bits === 0x7e00
        ? Number.NaN
        : bits === 0x7c00
          ? Number.POSITIVE_INFINITY
          : Number.NEGATIVE_INFINITY;
    }
    if (type === 0xfb) {
      take(8);
      return view.getFloat64(at - 8);
    }
    const value = info < 24 ? info : uint(2 ** (info - 24));
    switch (type >> 5) {
      case 0:
        return value;
      case 1:
        return typeof value === "bigint" ? -1n - value : -1 - value;
      case 2:
        return take(Number(value));
      case 3:
        return text.decode(take(Number(value)));
      case 4:
        return list(Number(value));
      case 5:
        return map(Number(value));
      default:
        throw new Error(`Not a plain item: ${type}`);
    }
  };

  const msgpack = (): unknown => {
    const type = take(1)[0]!;
    if (type < 0x80) return type;
    if (type < 0x90) return map(type & 15);
    if (type < 0xa0) return list(type & 15);
    if (type < 0xc0) return text.decode(take(type & 31));
    if (type >= 0xe0) return type - 256;
    if (type === 0xc0) return null;
    if (type === 0xc2 || type === 0xc3) return type === 0xc3;
    if (type === 0xcb) {
      take(8);
      return view.getFloat64(at - 8);
    }
    if (type >= 0xcc && type <= 0xcf) return uint(2 ** (type - 0xcc));
    if (type >= 0xd0 && type <= 0xd3) {
      const width = 2 ** (type - 0xd0);
      const value = BigInt.asIntN(width * 8, BigInt(uint(width)));
      return value >= Number.MIN_SAFE_INTEGER ? Number(value) : value;
    }
    if (type >= 0xc4 && type <= 0xc6) return take(Number(uint(2 ** (type - 0xc4))));
    if (type >= 0xd9 && type <= 0xdb) return text.decode(take(Number(uint(2 ** (type - 0xd9)))));
    if (type >= 0xdc) {
      const count = Number(uint(type & 1 ? 4 : 2));
      return type >= 0xde ? map(count) : list(count);
    }
    throw new Error(`Not a plain item: ${type}`);
  };

  const item = codec === "cbor" ? cbor : msgpack;
  while (at < bytes.length) values.push(item());
  return values;
}

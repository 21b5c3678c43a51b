import type { FrameHeader } from "./frame-header.js";
import { type FseTable, fseTable, readFseTable, singleSymbolTable } from "./fse.js";
import { decodeHuffmanStream, type HuffmanTable, readHuffmanTable, streamBits } from "./huffman.js";
import { damaged } from "./zstd-error.js";

/** The largest content of a block in bytes (RFC 8878, 3.1.1.2.4). */
const MAX_BLOCK = 2 ** 17;
/** Reads of four bytes may extend so far beyond the frame. */
const PADDING = 8;

/** A kind of code: how many extra bits each code has, the values they are added to, and how its tables are bounded. */
interface CodeKind {
  readonly bits: Uint8Array;
  readonly base: Float64Array;
  readonly maxLog: number;
  readonly predefined: FseTable;
}

const codeKind = (
  first: number,
  bits: readonly number[],
  maxLog: number,
  counts: readonly number[],
  log: number,
): CodeKind => {
  let value = first;
  const base = bits.map((width) => {
    const start = value;
    value += 2 ** width;
    return start;
  });
  return {
    bits: Uint8Array.from(bits),
    base: Float64Array.from(base),
    maxLog,
    predefined: fseTable(counts, log),
  };
};

const repeated = (count: number, value: number): number[] => new Array<number>(count).fill(value);
const from = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** Codes of lengths of literals, of offsets, and of lengths of matches (RFC 8878, 3.1.1.3.2.1.1 and 3.1.1.3.2.2). */
function codeKinds(): readonly [CodeKind, CodeKind, CodeKind] {
  return [
    codeKind(
      0,
      [...repeated(16, 0), 1, 1, 1, 1, 2, 2, 3, 3, 4, ...from(6, 16)],
      9,
      // biome-ignore format: as in the RFC
      [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1],
      6,
    ),
    codeKind(1, from(0, 31), 8, [...repeated(6, 1), 2, 2, 2, ...repeated(15, 1), ...repeated(5, -1)], 5),
    codeKind(
      3,
      [...repeated(32, 0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, ...from(7, 16)],
      9,
      [1, 4, 3, 2, 2, 2, 2, 2, 2, ...repeated(37, 1), ...repeated(7, -1)],
      6,
    ),
  ];
}

/**
 * Makes a decoder of frames in JavaScript, for platforms that have none. Every write is checked against the size of the content, so that
 * the work is bounded by the length of the frame and of its content, whatever its bytes say.
 * @returns decodes one whole frame into a new array of `size` bytes. Throws PeekpackError `corrupt`
 */
export function frameDecoder(): (frame: Uint8Array, header: FrameHeader, size: number) => Uint8Array {
  const kinds = codeKinds();
  const literals = new Uint8Array(MAX_BLOCK);
  return (frame, header, size) => new FrameDecoding(kinds, literals, frame, size).run(header);
}

class FrameDecoding {
  readonly #kinds: readonly [CodeKind, CodeKind, CodeKind];
  readonly #literals: Uint8Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #length: number;
  readonly #out: Uint8Array;
  #to = 0;
  #huffman: HuffmanTable | undefined;
  readonly #tables: (FseTable | undefined)[] = [];
  readonly #offsets: [number, number, number] = [1, 4, 8];

  constructor(
    kinds: readonly [CodeKind, CodeKind, CodeKind],
    literals: Uint8Array,
    frame: Uint8Array,
    size: number,
  ) {
    this.#kinds = kinds;
    this.#literals = literals;
    this.#bytes = new Uint8Array(frame.length + PADDING);
    this.#bytes.set(frame);
    this.#view = new DataView(this.#bytes.buffer);
    this.#length = frame.length;
    this.#out = new Uint8Array(size);
  }

  run(header: FrameHeader): Uint8Array {
    const bytes = this.#bytes;
    let at = header.length;
    for (let last = false; !last; ) {
      const head = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
      last = (head & 1) === 1;
      const type = (head >> 1) & 3;
      const size = head >> 3;
      at += 3;
      const end = at + (type === 1 ? 1 : size);
      if (end > this.#length || type === 3 || size > MAX_BLOCK) throw damaged();
      if (type === 2) this.#block(at, end);
      else if (this.#to + size > this.#out.length) throw damaged();
      else {
        if (type === 0) this.#out.set(bytes.subarray(at, end), this.#to);
        else this.#out.fill(bytes[at]!, this.#to, this.#to + size);
        this.#to += size;
      }
      at = end;
    }
    if (this.#to !== this.#out.length || at + (header.checksum ? 4 : 0) !== this.#length) throw damaged();
    return this.#out;
  }

  #block(start: number, end: number): void {
    const [after, length] = this.#readLiterals(start, end);
    const bytes = this.#bytes;
    let at = after;
    if (at >= end) throw damaged();
    let count = bytes[at++]!;
    if (count === 0) {
      if (at !== end) throw damaged();
      this.#copyLiterals(0, length);
      return;
    }
    if (count === 255) {
      count = bytes[at]! + (bytes[at + 1]! << 8) + 0x7f00;
      at += 2;
    } else if (count > 127) count = ((count - 128) << 8) + bytes[at++]!;
    const modes = bytes[at++]!;
    if ((modes & 3) !== 0) throw damaged();
    const tables = this.#kinds.map((kind, i) => {
      const mode = (modes >> (6 - 2 * i)) & 3;
      if (mode === 0) this.#tables[i] = kind.predefined;
      else if (mode === 1) {
        const symbol = bytes[at++]!;
        if (symbol >= kind.bits.length) throw damaged();
        this.#tables[i] = singleSymbolTable(symbol);
      } else if (mode === 2) {
        const read = readFseTable(bytes.subarray(0, end), at, kind.maxLog, kind.bits.length - 1);
        this.#tables[i] = read.table;
        at = read.end;
      }
      const table = this.#tables[i];
      if (table === undefined) throw damaged();
      return table;
    });
    this.#sequences(at, end, count, tables as [FseTable, FseTable, FseTable], length);
  }

  /** Reads the literals of a block. Returns where the sequences begin, and how many literals there are. */
  #readLiterals(start: number, end: number): readonly [number, number] {
    const bytes = this.#bytes;
    const type = bytes[start]! & 3;
    const format = (bytes[start]! >> 2) & 3;
    const head = this.#view.getUint32(start, true);
    if (type < 2) {
      const [headLength, length] =
        (format & 1) === 0
          ? [1, (head & 255) >> 3]
          : format === 1
            ? [2, (head & 0xffff) >> 4]
            : [3, (head & 0xffffff) >> 4];
      const at = start + headLength;
      const after = at + (type === 1 ? 1 : length);
      if (after > end || length > MAX_BLOCK) throw damaged();
      if (type === 1) this.#literals.fill(bytes[at]!, 0, length);
      else this.#literals.set(bytes.subarray(at, after));
      return [after, length];
    }
    const width = [10, 10, 14, 18][format]!;
    const headLength = [3, 3, 4, 5][format]!;
    const length = (head >>> 4) & ((1 << width) - 1);
    const compressed =
      width === 18 ? (head >>> 22) + (bytes[start + 4]! << 10) : (head >>> (4 + width)) & ((1 << width) - 1);
    let at = start + headLength;
    const after = at + compressed;
    if (after > end || length > MAX_BLOCK) throw damaged();
    if (type === 2) {
      const read = readHuffmanTable(this.#view, bytes, at, after);
      this.#huffman = read.table;
      at = read.end;
    }
    const table = this.#huffman;
    if (table === undefined) throw damaged();
    const decode = (from: number, to: number, outStart: number, outEnd: number): void =>
      decodeHuffmanStream(this.#view, bytes, from, to, table, this.#literals, outStart, outEnd);
    if (format === 0) {
      decode(at, after, 0, length);
      return [after, length];
    }
    // Four streams, of which the first three say how long they are.
    const quarter = (length + 3) >> 2;
    let from = at + 6;
    for (let i = 0; i < 4; i++) {
      const to = i < 3 ? from + this.#view.getUint16(at + 2 * i, true) : after;
      if (to > after || (i === 3 && 3 * quarter > length)) throw damaged();
      decode(from, to, i * quarter, i < 3 ? (i + 1) * quarter : length);
      from = to;
    }
    return [after, length];
  }

  #copyLiterals(start: number, end: number): void {
    if (this.#to + end - start > this.#out.length) throw damaged();
    this.#out.set(this.#literals.subarray(start, end), this.#to);
    this.#to += end - start;
  }

  /** Executes the sequences of a block: each copies literals, then bytes that are in the content already. */
  #sequences(
    start: number,
    end: number,
    count: number,
    [literalTable, offsetTable, matchTable]: readonly [FseTable, FseTable, FseTable],
    literalCount: number,
  ): void {
    const view = this.#view;
    const out = this.#out;
    const literals = this.#literals;
    const [literalKind, , matchKind] = this.#kinds;
    const first = start * 8;
    let at = first + streamBits(this.#bytes, start, end);
    /** Up to 25 bits. Bits before the stream are those of the frame; the check at the end of each sequence refuses them. */
    const read = (width: number): number => {
      at -= width;
      return at < first ? 0 : (view.getUint32(at >> 3, true) >>> (at & 7)) & ((1 << width) - 1);
    };
    let [one, two, three] = this.#offsets;
    let literalState = read(literalTable.log);
    let offsetState = read(offsetTable.log);
    let matchState = read(matchTable.log);
    let literal = 0;
    let to = this.#to;
    const blockEnd = Math.min(out.length, to + MAX_BLOCK);
    for (let i = count; ; ) {
      const literalEntry = literalTable.entries[literalState]!;
      const offsetEntry = offsetTable.entries[offsetState]!;
      const matchEntry = matchTable.entries[matchState]!;
      const offsetCode = offsetEntry >>> 24;
      // An offset may have more bits than one read gives.
      let value = 2 ** offsetCode;
      if (offsetCode > 24) {
        value += read(offsetCode - 16) * 65_536;
        value += read(16);
      } else value += read(offsetCode);
      const matchCode = matchEntry >>> 24;
      const matchLength = matchKind.base[matchCode]! + read(matchKind.bits[matchCode]!);
      const literalCode = literalEntry >>> 24;
      const literalLength = literalKind.base[literalCode]! + read(literalKind.bits[literalCode]!);

      let offset: number;
      if (value > 3) {
        offset = value - 3;
        three = two;
        two = one;
        one = offset;
      } else {
        const which = value - (literalLength === 0 ? 0 : 1);
        offset = which === 0 ? one : which === 1 ? two : which === 2 ? three : one - 1;
        if (which > 1) three = two;
        if (which > 0) two = one;
        one = offset;
      }

      const literalEnd = literal + literalLength;
      const matchStart = to + literalLength;
      const matchEnd = matchStart + matchLength;
      if (
        at < first ||
        literalEnd > literalCount ||
        matchEnd > blockEnd ||
        offset > matchStart ||
        offset === 0
      ) {
        throw damaged();
      }
      if (literalLength > 32) {
        out.set(literals.subarray(literal, literalEnd), to);
        literal = literalEnd;
        to = matchStart;
      } else while (to < matchStart) out[to++] = literals[literal++]!;
      if (matchLength > 32 && offset >= matchLength) {
        out.copyWithin(to, to - offset, matchEnd - offset);
        to = matchEnd;
      } else for (; to < matchEnd; to++) out[to] = out[to - offset]!;

      if (--i === 0) break;
      literalState = (literalEntry & 0xffff) + read((literalEntry >> 16) & 255);
      matchState = (matchEntry & 0xffff) + read((matchEntry >> 16) & 255);
      offsetState = (offsetEntry & 0xffff) + read((offsetEntry >> 16) & 255);
    }
    if (at !== first || to + literalCount - literal > blockEnd) throw damaged();
    this.#offsets.splice(0, 3, one, two, three);
    this.#to = to;
    this.#copyLiterals(literal, literalCount);
  }
}

import { toFloat16 } from "../float16.js";
import { NdArray, type NdData } from "../nd-array.js";

/** numpy's short names of the element types. */
const codes = {
  bool: "b1",
  int8: "i1",
  uint8: "u1",
  int16: "i2",
  uint16: "u2",
  int32: "i4",
  uint32: "u4",
  int64: "i8",
  uint64: "u8",
  float16: "f2",
  float32: "f4",
  float64: "f8",
} as const;

/**
 * The pickle of an array, byte for byte what numpy 2's `ndarray.dumps()` writes for it in row-major order
 * (protocol 2): what the reference stores when its numpy encoder is on, and what `pickle.loads` turns into an array.
 *
 * The bytes of the elements are stored as Latin-1 text in UTF-8, so a pickle takes up to twice the room of the array.
 *
 * @param array an NdArray, or a typed array and its shape
 * @throws RangeError where the shape does not hold exactly the elements
 */
export function encodeNumpyPickle(
  array: NdArray | { readonly data: NdData; readonly shape: readonly number[] },
): Uint8Array {
  const { data, dtype, shape } = NdArray.is(array) ? array : new NdArray(array.data, array.shape);
  const elements = dtype === "float16" ? Uint16Array.from(data as Float32Array, toFloat16) : data;
  const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
  const order = elements.BYTES_PER_ELEMENT === 1 ? "|" : littleEndian() ? "<" : ">";
  const pickle = new PickleWriter(300 + shape.length * 11 + bytes.length * 2);

  pickle.op("\x80\x02");
  pickle.global("numpy._core.multiarray _reconstruct");
  pickle.global("numpy ndarray");
  pickle.integer(0);
  pickle.memo("\x85"); // TUPLE1
  const encode = pickle.global("_codecs encode");
  pickle.text("b");
  const latin1 = pickle.text("latin1");
  pickle.memo("\x86"); // TUPLE2
  const b = pickle.memo("R"); // REDUCE: b"b", numpy's placeholder
  pickle.memo("\x87"); // TUPLE3
  pickle.memo("R"); // REDUCE: an empty array

  pickle.op("(");
  pickle.integer(1);
  if (shape.length > 3) pickle.op("(");
  for (const length of shape) pickle.integer(length);
  if (shape.length === 0) pickle.op(")");
  else pickle.memo(["\x85", "\x86", "\x87"][shape.length - 1] ?? "t");
  pickle.global("numpy dtype");
  pickle.text(codes[dtype]);
  pickle.op("\x89\x88"); // False, True
  pickle.memo("\x87");
  pickle.memo("R");
  pickle.op("(");
  pickle.integer(3);
  const orderText = pickle.text(order);
  pickle.op("NNN");
  pickle.integer(-1);
  pickle.integer(-1);
  pickle.integer(0);
  pickle.memo("t");
  pickle.op("b\x89"); // BUILD the dtype; not in Fortran order

  // Python keeps one object for each Latin-1 character and each single byte, so its pickler refers to those it wrote.
  if (bytes.length === 1 && bytes[0] === 0x62) {
    pickle.get(b);
  } else {
    if (bytes.length === 0) {
      pickle.global("__builtin__ bytes");
      pickle.op(")");
    } else {
      pickle.get(encode);
      if (bytes.length === 1 && bytes[0] === order.charCodeAt(0)) pickle.get(orderText);
      else pickle.latin1(bytes);
      pickle.get(latin1);
      pickle.memo("\x86");
    }
    pickle.memo("R");
  }
  pickle.memo("t");
  pickle.op("b.");
  return pickle.finish();
}

/** Writes pickle opcodes and numbers what Python's pickler would remember. */
class PickleWriter {
  readonly #buffer: Uint8Array;
  readonly #view: DataView;
  #position = 0;
  #memo = 0;

  constructor(size: number) {
    this.#buffer = new Uint8Array(size);
    this.#view = new DataView(this.#buffer.buffer);
  }

  op(characters: string): void {
    for (let i = 0; i < characters.length; i++) this.#buffer[this.#position++] = characters.charCodeAt(i);
  }

  /** An opcode and BINPUT: its result is remembered. Returns the number in the memo. */
  memo(characters: string): number {
    this.op(characters);
    this.op("q");
    this.#buffer[this.#position++] = this.#memo;
    return this.#memo++;
  }

  /** BINGET. */
  get(memo: number): void {
    this.op("h");
    this.#buffer[this.#position++] = memo;
  }

  /** GLOBAL of "module name". */
  global(name: string): number {
    return this.memo(`c${name.replace(" ", "\n")}\n`);
  }

  /** BINUNICODE of ASCII text. */
  text(ascii: string): number {
    return this.latin1(Uint8Array.from(ascii, (character) => character.charCodeAt(0)));
  }

  /** BINUNICODE of the text whose Latin-1 form the bytes are. */
  latin1(bytes: Uint8Array): number {
    this.op("X");
    const start = this.#position + 4;
    let at = start;
    for (const byte of bytes) {
      if (byte < 0x80) this.#buffer[at++] = byte;
      else {
        this.#buffer[at++] = 0xc0 | (byte >> 6);
        this.#buffer[at++] = 0x80 | (byte & 0x3f);
      }
    }
    // BINUNICODE has a length of 32 bits, and protocol 2 nothing for longer texts.
    if (at - start > 0xffffffff) throw new RangeError("an array whose pickle would exceed 4 GiB");
    this.#view.setUint32(this.#position, at - start, true);
    this.#position = at;
    return this.memo("");
  }

  /** BININT1, BININT2, BININT or LONG1, the shortest. */
  integer(value: number): void {
    if (value >= 0 && value < 0x100) {
      this.op(`K${String.fromCharCode(value)}`);
    } else if (value >= 0 && value < 0x10000) {
      this.op("M");
      this.#view.setUint16(this.#position, value, true);
      this.#position += 2;
    } else if (value >= -0x80000000 && value < 0x80000000) {
      this.op("J");
      this.#view.setInt32(this.#position, value, true);
      this.#position += 4;
    } else {
      // Two's complement, least significant byte first, with room for the sign.
      const digits: number[] = [];
      for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) digits.push(rest % 256);
      if (digits.at(-1)! > 0x7f) digits.push(0);
      this.op(`\x8a${String.fromCharCode(digits.length, ...digits)}`);
    }
  }

  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#position);
  }
}

function littleEndian(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
}

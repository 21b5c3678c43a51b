/**
 * A reader of pickled numpy arrays that can execute nothing.
 *
 * A pickle is a program for a small stack machine, and its power to call what it names is what makes it dangerous.
 * This machine knows the opcodes that `ndarray.dumps()` and `pickle.dumps(array)` use (protocols 2 to 5) and the seven
 * names below, none of which stands for code: they are words for the shape of the result. Anything else, and any
 * array of a type that has no typed array of its own, is refused.
 */
import { fromFloat16 } from "../float16.js";
import { allocate, NdArray, type NdType } from "../nd-array.js";

/** What a name stands for, by "module name". */
const globals = new Map<string, Global>(
  (
    [
      ["numpy._core.multiarray _reconstruct", "reconstruct"],
      ["numpy.core.multiarray _reconstruct", "reconstruct"],
      ["numpy._core.numeric _frombuffer", "frombuffer"],
      ["numpy.core.numeric _frombuffer", "frombuffer"],
      ["numpy ndarray", "ndarray"],
      ["numpy dtype", "dtype"],
      ["_codecs encode", "encode"],
      ["__builtin__ bytes", "bytes"],
      ["builtins bytes", "bytes"],
    ] as const
  ).map(([name, word]) => [name, { word }]),
);

/** Element types by numpy's short names; the digit is the width in bytes. */
const types = new Map<string, NdType>([
  ["b1", "bool"],
  ["i1", "int8"],
  ["u1", "uint8"],
  ["i2", "int16"],
  ["u2", "uint16"],
  ["i4", "int32"],
  ["u4", "uint32"],
  ["i8", "int64"],
  ["u8", "uint64"],
  ["f2", "float16"],
  ["f4", "float32"],
  ["f8", "float64"],
]);

/** Opcodes executed at most; an array takes some 60, and one for each dimension. */
const maxOpcodes = 400;
/** Arrays described at most. */
const maxArrays = 1;
/** An array without elements has no more empty rows than this: nothing else would bound them. */
const maxEmptyRows = 1_000_000;
/** Bytes of an array that are worked on between two pauses. */
const PIECE = 512 * 1024;

interface Global {
  readonly word: "reconstruct" | "frombuffer" | "ndarray" | "dtype" | "encode" | "bytes";
}
/** A Python text, undecoded: a view. */
interface Text {
  readonly utf8: Uint8Array;
}
interface Dtype {
  readonly type: NdType;
  readonly width: number;
  order?: string;
}
/** Bytes that are written as a text: each character is one byte. */
interface Encoded {
  readonly latin1: Uint8Array;
}
/** What an array is made of. */
interface Description {
  readonly shape: readonly number[];
  readonly type: NdType;
  /** Length of an element in bytes. */
  readonly width: number;
  /** Length of all elements in bytes. */
  readonly size: number;
  readonly bigEndian: boolean;
  /** Whether the elements are in column-major order. */
  readonly fortran: boolean;
  readonly content: Uint8Array | Encoded;
}
/** An array, not described until its state arrives. */
interface Shell {
  array: Description | undefined;
}
type Item = null | boolean | number | Uint8Array | Text | Encoded | Global | Dtype | Shell | readonly Item[];

class Refused extends Error {}

/** Called after each piece of an array. What it returns is awaited. It may throw. */
export type Pause = () => undefined | Promise<void>;

/**
 * The array that a numpy pickle holds, as a row-major copy in the machine's byte order; undefined for anything that is
 * not exactly a pickled array of booleans, integers or floats. Allocates no more than a few times the input.
 * @param bytes must not change meanwhile
 * @throws nothing but what `pause` throws
 */
export async function decodeNumpyPickle(bytes: Uint8Array, pause: Pause): Promise<NdArray | undefined> {
  try {
    return await makeArray(new PickleReader(bytes).run(), pause);
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

class PickleReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #arrays = 0;
  #stack: Item[] = [];
  /** The stacks below each mark. */
  readonly #marks: Item[][] = [];
  readonly #memo = new Map<number, Item>();

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): Description {
    check(this.#uint(1) === 0x80);
    const protocol = this.#uint(1);
    check(protocol >= 2 && protocol <= 5);
    for (let count = 0; count < maxOpcodes; count++) {
      const opcode = this.#uint(1);
      if (opcode === 0x2e) {
        // STOP
        check(this.#at === this.#bytes.length && this.#marks.length === 0 && this.#stack.length === 1);
        const result = this.#stack[0];
        check(isObject(result) && "array" in result && result.array !== undefined);
        return result.array;
      }
      this.#execute(opcode);
    }
    throw new Refused();
  }

  #execute(opcode: number): void {
    const stack = this.#stack;
    switch (opcode) {
      case 0x95: // FRAME: a hint for readers of files
        this.#uint8bytes();
        return;
      case 0x28: // MARK
        this.#marks.push(stack);
        this.#stack = [];
        return;
      case 0x4e: // NONE
        stack.push(null);
        return;
      case 0x88: // NEWTRUE
      case 0x89: // NEWFALSE
        stack.push(opcode === 0x88);
        return;
      case 0x4b: // BININT1
        stack.push(this.#uint(1));
        return;
      case 0x4d: // BININT2
        stack.push(this.#uint(2));
        return;
      case 0x4a: // BININT
        stack.push(this.#uint(4) | 0);
        return;
      case 0x8a: // LONG1
        stack.push(this.#long(this.#uint(1)));
        return;
      case 0x58: // BINUNICODE
        stack.push({ utf8: this.#take(this.#uint(4)) });
        return;
      case 0x8c: // SHORT_BINUNICODE
        stack.push({ utf8: this.#take(this.#uint(1)) });
        return;
      case 0x8d: // BINUNICODE8
        stack.push({ utf8: this.#take(this.#uint8bytes()) });
        return;
      case 0x42: // BINBYTES
        stack.push(this.#take(this.#uint(4)));
        return;
      case 0x43: // SHORT_BINBYTES
        stack.push(this.#take(this.#uint(1)));
        return;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        stack.push(this.#take(this.#uint8bytes()));
        return;
      case 0x29: // EMPTY_TUPLE
        stack.push([]);
        return;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        check(stack.length >= opcode - 0x84);
        stack.push(stack.splice(-(opcode - 0x84)));
        return;
      case 0x74: {
        // TUPLE
        const below = this.#marks.pop();
        check(below !== undefined);
        below.push(stack);
        this.#stack = below;
        return;
      }
      case 0x71: // BINPUT
        this.#memo.set(this.#uint(1), this.#top());
        return;
      case 0x72: // LONG_BINPUT
        this.#memo.set(this.#uint(4), this.#top());
        return;
      case 0x94: // MEMOIZE
        this.#memo.set(this.#memo.size, this.#top());
        return;
      case 0x68: // BINGET
        stack.push(this.#recall(this.#uint(1)));
        return;
      case 0x6a: // LONG_BINGET
        stack.push(this.#recall(this.#uint(4)));
        return;
      case 0x63: // GLOBAL
        stack.push(named(`${this.#line()} ${this.#line()}`));
        return;
      case 0x93: {
        // STACK_GLOBAL
        const name = ascii(this.#pop());
        stack.push(named(`${ascii(this.#pop())} ${name}`));
        return;
      }
      case 0x52: {
        // REDUCE
        const args = this.#pop();
        check(Array.isArray(args));
        stack.push(this.#reduce(this.#pop(), args));
        return;
      }
      case 0x62: {
        // BUILD
        const state = this.#pop();
        check(Array.isArray(state));
        build(this.#top(), state);
        return;
      }
      default:
        throw new Refused();
    }
  }

  #reduce(callable: Item, args: readonly Item[]): Item {
    check(isObject(callable) && "word" in callable);
    switch (callable.word) {
      case "reconstruct":
        // (ndarray, (0,), b"b")
        check(args.length === 3 && isObject(args[0]) && "word" in args[0] && args[0].word === "ndarray");
        check(++this.#arrays <= maxArrays);
        return { array: undefined };
      case "frombuffer": {
        // (bytes, dtype, shape, "C" or "F")
        const order = ascii(args[3]);
        check(args.length === 4 && (order === "C" || order === "F") && ++this.#arrays <= maxArrays);
        return { array: described(args[2], args[1], order === "F", args[0]) };
      }
      case "dtype": {
        // ("f8", align, copy)
        const code = ascii(args[0]);
        const type = types.get(code);
        check(args.length === 3 && type !== undefined);
        return { type, width: Number(code[1]) };
      }
      case "encode":
        check(args.length === 2 && ascii(args[1]) === "latin1");
        check(isObject(args[0]) && "utf8" in args[0]);
        return { latin1: args[0].utf8 };
      case "bytes":
        check(args.length === 0);
        return new Uint8Array(0);
      default:
        throw new Refused();
    }
  }

  #take(length: number): Uint8Array {
    check(length <= this.#bytes.length - this.#at);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** An unsigned little-endian integer of 1, 2 or 4 bytes. */
  #uint(width: 1 | 2 | 4): number {
    const at = this.#at;
    this.#take(width);
    if (width === 1) return this.#bytes[at]!;
    return width === 2 ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true);
  }

  #uint8bytes(): number {
    return this.#uint(4) + this.#uint(4) * 2 ** 32;
  }

  /** A signed little-endian integer, refused beyond 2^53. */
  #long(length: number): number {
    check(length <= 8);
    let value = 0n;
    for (const byte of this.#take(length).toReversed()) value = (value << 8n) | BigInt(byte);
    const signed = Number(BigInt.asIntN(length * 8, value));
    check(Number.isSafeInteger(signed));
    return signed;
  }

  /** ASCII up to the next line feed. */
  #line(): string {
    // The longest name above is far shorter, so an endless line is not searched.
    const end = this.#bytes.subarray(this.#at, this.#at + 64).indexOf(0x0a);
    check(end >= 0);
    const line = this.#take(end);
    this.#at++;
    return ascii({ utf8: line });
  }

  #pop(): Item {
    check(this.#stack.length > 0);
    return this.#stack.pop() as Item;
  }

  #top(): Item {
    check(this.#stack.length > 0);
    return this.#stack.at(-1) as Item;
  }

  #recall(index: number): Item {
    const item = this.#memo.get(index);
    check(item !== undefined);
    return item;
  }
}

function check(condition: boolean): asserts condition {
  if (!condition) throw new Refused();
}

function isObject(item: Item | undefined): item is Text | Encoded | Global | Dtype | Shell {
  return typeof item === "object" && item !== null && !Array.isArray(item) && !(item instanceof Uint8Array);
}

function named(name: string): Global {
  const global = globals.get(name);
  check(global !== undefined);
  return global;
}

/** A short ASCII text as a string. */
function ascii(item: Item | undefined): string {
  check(isObject(item) && "utf8" in item && item.utf8.length <= 64 && item.utf8.every((byte) => byte < 0x80));
  return String.fromCharCode(...item.utf8);
}

function build(target: Item, state: readonly Item[]): void {
  check(isObject(target));
  if ("type" in target) {
    // (3, byte order, no subarray, no names, no fields, -1, -1, 0)
    const order = ascii(state[1]);
    check(state.length === 8 && state[0] === 3 && target.order === undefined);
    check(target.width === 1 ? order === "|" : order === "<" || order === ">");
    check(state[2] === null && state[3] === null && state[4] === null && state[7] === 0);
    target.order = order;
  } else {
    // (1, shape, dtype, Fortran order, bytes)
    check("array" in target && target.array === undefined && state.length === 5 && state[0] === 1);
    const fortran = state[3];
    check(typeof fortran === "boolean");
    target.array = described(state[1], state[2], fortran, state[4]);
  }
}

function described(
  shape: Item | undefined,
  dtype: Item | undefined,
  fortran: boolean,
  content: Item | undefined,
): Description {
  check(isObject(dtype) && "type" in dtype && dtype.order !== undefined);
  check(content instanceof Uint8Array || (isObject(content) && "latin1" in content));
  // 64 dimensions is numpy's own limit.
  check(Array.isArray(shape) && shape.length <= 64);
  let count = 1;
  let rows = 1;
  for (const length of shape as readonly Item[]) {
    check(typeof length === "number" && length >= 0);
    count *= length;
    if (count !== 0) rows = count;
  }
  const size = count * dtype.width;
  const fits =
    content instanceof Uint8Array
      ? content.length === size
      : // A character takes one byte or two.
        content.latin1.length >= size && content.latin1.length <= 2 * size;
  check(fits && (count > 0 || rows <= maxEmptyRows));
  const { type, width, order } = dtype;
  return { shape: shape as readonly number[], type, width, size, bigEndian: order === ">", fortran, content };
}

async function makeArray(array: Description, pause: Pause): Promise<NdArray> {
  const { shape, type, fortran, content } = array;
  const bytes = content instanceof Uint8Array ? content : await latin1(content.latin1, array.size, pause);
  const reorders = fortran && shape.length > 1 && bytes.length > 0;
  const rows = reorders ? await transpose(bytes, array, pause) : bytes;
  return new NdArray(await elements(rows, array, pause), shape, type);
}

/** Works on `length` bytes piece by piece, with pauses in between. */
async function inPieces(
  length: number,
  pause: Pause,
  work: (start: number, end: number) => void,
): Promise<void> {
  for (let start = 0; start < length; start += PIECE) {
    work(start, Math.min(start + PIECE, length));
    await pause();
  }
}

/** A copy of bytes, which is made piece by piece. */
export async function copyBytes(bytes: Uint8Array, pause: Pause): Promise<Uint8Array> {
  const copy = new Uint8Array(bytes.length);
  await inPieces(bytes.length, pause, (start, end) => copy.set(bytes.subarray(start, end), start));
  return copy;
}

/** The bytes of a text as Latin-1: every character is below U+0100, so two bytes of UTF-8 at most. */
async function latin1(utf8: Uint8Array, size: number, pause: Pause): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let length = 0;
  let at = 0;
  await inPieces(utf8.length, pause, (_start, end) => {
    for (; at < end; at++) {
      let byte = utf8[at]!;
      if (byte >= 0x80) {
        const next = utf8[++at]!;
        check((byte === 0xc2 || byte === 0xc3) && next >= 0x80 && next < 0xc0);
        byte = ((byte & 3) << 6) | (next & 0x3f);
      }
      bytes[length++] = byte;
    }
  });
  check(length === size);
  return bytes;
}

/** Column-major elements in row-major order. */
async function transpose(
  bytes: Uint8Array,
  { shape, width }: Description,
  pause: Pause,
): Promise<Uint8Array> {
  const result = new Uint8Array(bytes.length);
  const indices = shape.map(() => 0);
  let stride = width;
  const strides = shape.map((length) => {
    stride *= length;
    return stride / length;
  });
  let from = 0;
  await inPieces(bytes.length, pause, (start, end) => {
    for (let to = start; to < end; to += width) {
      for (let i = 0; i < width; i++) result[to + i] = bytes[from + i]!;
      for (let dimension = shape.length - 1; dimension >= 0; dimension--) {
        from += strides[dimension]!;
        if (++indices[dimension]! < shape[dimension]!) break;
        from -= strides[dimension]! * shape[dimension]!;
        indices[dimension] = 0;
      }
    }
  });
  return result;
}

async function elements(
  bytes: Uint8Array,
  { type, width, bigEndian: big }: Description,
  pause: Pause,
): Promise<NdArray["data"]> {
  const data = allocate(type, bytes.length / width);
  const target = new Uint8Array(data.buffer);
  let work: (start: number, end: number) => void;
  if (type === "float16") {
    const [high, low] = big ? [0, 1] : [1, 0];
    work = (start, end) => {
      for (let at = start; at < end; at += 2) {
        data[at / 2] = fromFloat16((bytes[at + high]! << 8) | bytes[at + low]!);
      }
    };
  } else if (type === "bool") {
    work = (start, end) => {
      for (let i = start; i < end; i++) target[i] = bytes[i] === 0 ? 0 : 1;
    };
  } else if (width === 1 || big === bigEndian()) {
    work = (start, end) => target.set(bytes.subarray(start, end), start);
  } else {
    work = (start, end) => {
      // Flipping the low bits of an offset mirrors it within its element: the widths are powers of two.
      for (let at = start; at < end; at++) target[at] = bytes[at ^ (width - 1)]!;
    };
  }
  await inPieces(bytes.length, pause, work);
  return data;
}

function bigEndian(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;
}

import type { Codec, Decoder, MapStyle } from "../codec/codec.js";
import { PeekpackError } from "../errors.js";
import type { Cursor } from "../format/cursor.js";
import { decodeHeader, HEADER_SIZE, type Header, type Protocol } from "../format/header.js";
import { type Span, Toc } from "../format/toc.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { Limits } from "./limits.js";

/** What an archive shares with the archives inside it. */
export interface Shared {
  readonly source: RangeSource;
  readonly limits: Limits;
  readonly maps: MapStyle;
  readonly numpy: boolean;
  /** Memory for what look-ups learn about the table of contents, and for the tables of archives inside, in bytes, for each archive. */
  readonly tocCacheBytes: number;
  /** Takes over decoding in archives of its protocol. */
  readonly codec: Codec | undefined;
  readonly decoders: Map<Protocol, Promise<Decoder>>;
  closed: boolean;
}

/** A child up to this size is read whole when it is opened. */
const WHOLE_CHILD = 64 * 1024;
/** How much of a larger child's end is read along with its header, in the hope that it holds the table. */
const CHILD_TAIL = 32 * 1024;

/**
 * One archive, or one inside another: its header, its table, its decoder, and where it starts in the source. What the
 * public classes are made of.
 */
export class ArchiveCore {
  readonly shared: Shared;
  readonly header: Header;
  readonly toc: Toc;
  /** Offset of the magic in the source. */
  readonly start: number;
  /** How many archives this one lies in. */
  readonly nesting: number;
  readonly #decoder: Decoder;
  /** Archives inside this one that are open, the least recently used first, and those that are being opened. */
  readonly #children = new Map<number, ArchiveCore>();
  readonly #opening = new Map<number, Promise<ArchiveCore>>();
  #childBytes = 0;
  #offsets: Float64Array | undefined;

  private constructor(
    shared: Shared,
    decoder: Decoder,
    header: Header,
    toc: Uint8Array,
    start: number,
    nesting: number,
  ) {
    this.shared = shared;
    this.header = header;
    this.start = start;
    this.nesting = nesting;
    this.#decoder = decoder;
    this.toc = new Toc(decoder.cursor(toc), header.tocStart, shared.tocCacheBytes);
  }

  /** Makes an archive of its header and its table's bytes, which are checked here. */
  static async create(
    shared: Shared,
    header: Header,
    toc: Uint8Array,
    start: number,
    nesting: number,
  ): Promise<ArchiveCore> {
    const decoder = await decoderFor(shared, header.protocol);
    const { limits } = shared;
    try {
      // A node, its map of children and its span nest deeper than what they stand for. Items are not decoded: the table's
      // size is what bounds them.
      const maxItems = Number.POSITIVE_INFINITY;
      decoder.check(toc, { ...limits, maxItems, maxDepth: limits.maxDepth * 2 + 4 });
    } catch (error) {
      if (!(error instanceof PeekpackError)) throw error;
      const code = error.code === "truncated" ? "corrupt" : error.code;
      throw new PeekpackError(code, `The table of contents is damaged: ${error.message}`, {
        section: "toc",
        offset: error.offset,
        cause: error,
      });
    }
    const core = new ArchiveCore(shared, withCodec(decoder, shared.codec), header, toc, start, nesting);
    core.toc.root();
    return core;
  }

  /** Offset in the source that positions count from. */
  get origin(): number {
    return this.start + HEADER_SIZE;
  }

  /** Size of this archive in bytes, without what may follow it. */
  get size(): number {
    return HEADER_SIZE + this.header.tocStart + this.header.tocSize;
  }

  /** Reads spans of the data, all at once. */
  async read(spans: readonly Span[], options?: ReadOptions): Promise<Uint8Array[]> {
    const { limits, source } = this.shared;
    this.assertOpen();
    for (const { start, end } of spans) {
      if (end - start > limits.maxValueBytes) {
        throw new PeekpackError("limit", `A value takes ${end - start} bytes (limit maxValueBytes).`, {
          section: "data",
          offset: this.origin + start,
        });
      }
    }
    const { origin } = this;
    return source.read(
      spans.map(({ start, end }) => ({ start: origin + start, end: origin + end })),
      options,
    );
  }

  assertOpen(): void {
    if (this.shared.closed) throw new PeekpackError("closed", "This archive is closed.");
  }

  /** Decodes `count` items that fill `bytes`, which were read at `at`. */
  decode(bytes: Uint8Array, count: number, at: number): Value[] | Promise<Value[]> {
    const { limits, maps, numpy } = this.shared;
    const decoded = this.#inData(at, () => this.#decoder.decode(bytes, count, { limits, maps }));
    return numpy && decoded.hasBytes
      ? import("./numpy-values.js").then(({ reviveNumpy }) => reviveNumpy(decoded.values))
      : decoded.values;
  }

  /** Runs what reads items of the data at `at`; its errors then say where in the source. */
  #inData<T>(at: number, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof PeekpackError) || error.section !== "data") throw error;
      // Bytes that end early inside a span that is whole are damage, not a short file.
      const code = error.code === "truncated" ? "corrupt" : error.code;
      throw new PeekpackError(code, error.message, {
        section: "data",
        offset: this.origin + at + (error.offset ?? 0),
        cause: error.cause,
      });
    }
  }

  /** Checks that `count` well-formed items fill `bytes`, which were read at `at`. */
  check(bytes: Uint8Array, count: number, at: number): void {
    this.#inData(at, () => this.#decoder.check(bytes, this.shared.limits, count));
  }

  /** A cursor over bytes of this archive that were checked. */
  cursor(bytes: Uint8Array): Cursor {
    return this.#decoder.cursor(bytes);
  }

  /** Decodes one value as it is, whatever its bytes may look like. */
  decodePlain(bytes: Uint8Array): Value {
    const { limits, maps } = this.shared;
    return this.#decoder.decode(bytes, 1, { limits, maps }).values[0];
  }

  /** Reads and decodes one value. */
  async value(span: Span, options?: ReadOptions): Promise<Value> {
    const [bytes] = await this.read([span], options);
    return (await this.decode(bytes!, 1, span.start))[0];
  }

  /** Reads and decodes many values with one call to the source. */
  async values(spans: readonly Span[], options?: ReadOptions): Promise<Value[]> {
    const read = await this.read(spans, options);
    return Promise.all(read.map(async (bytes, i) => (await this.decode(bytes, 1, spans[i]!.start))[0]));
  }

  /**
   * Opens the archive inside this one whose magic is at a position. Those used last are kept open, as far as their tables
   * fit the budget.
   */
  async child(offset: number, options?: ReadOptions): Promise<ArchiveCore> {
    const kept = this.#children.get(offset);
    if (kept !== undefined) {
      this.#children.delete(offset);
      this.#children.set(offset, kept);
      return kept;
    }
    let opening = this.#opening.get(offset);
    if (opening === undefined) {
      // This is shared work: one caller's abort must not fail the others. It is short, so that it goes on.
      opening = this.#openChild(offset, options === undefined ? undefined : { ...options, signal: undefined })
        .then((child) => this.#keep(offset, child))
        .finally(() => this.#opening.delete(offset));
      this.#opening.set(offset, opening);
    }
    return abortable(opening, options?.signal);
  }

  #keep(offset: number, child: ArchiveCore): ArchiveCore {
    this.#children.set(offset, child);
    this.#childBytes += child.toc.bytes.length;
    for (const [oldest, { toc }] of this.#children) {
      if (this.#childBytes <= this.shared.tocCacheBytes || oldest === offset) break;
      this.#childBytes -= toc.bytes.length;
      this.#children.delete(oldest);
    }
    return child;
  }

  async #openChild(offset: number, options: ReadOptions | undefined): Promise<ArchiveCore> {
    const { shared } = this;
    const { limits } = shared;
    const room = this.header.tocStart - offset;
    if (room < HEADER_SIZE) {
      throw new PeekpackError("corrupt", `A child archive at ${offset} does not fit into the data.`, {
        section: "toc",
      });
    }
    if (this.nesting + 1 > limits.maxArchiveDepth) {
      throw new PeekpackError("limit", `More than ${limits.maxArchiveDepth} archives inside each other.`, {
        section: "toc",
      });
    }
    const extent = this.#extent(offset, room);
    const end = offset + extent;
    const spans =
      extent <= WHOLE_CHILD
        ? [{ start: offset, end }]
        : [
            { start: offset, end: offset + HEADER_SIZE },
            { start: end - CHILD_TAIL, end },
          ];
    const read = await this.read(spans, { ...options, reason: "open" });
    const header = decodeHeader(read[0]!, room, this.origin + offset);
    const tocStart = offset + HEADER_SIZE + header.tocStart;
    if (header.tocSize > limits.maxTocBytes) throw tocTooLarge(header.tocSize);
    let toc: Uint8Array | undefined;
    for (const [i, span] of spans.entries()) {
      if (tocStart >= span.start && tocStart + header.tocSize <= span.end) {
        toc = read[i]!.slice(tocStart - span.start, tocStart + header.tocSize - span.start);
      }
    }
    toc ??= (
      await this.read([{ start: tocStart, end: tocStart + header.tocSize }], { ...options, reason: "toc" })
    )[0]!;
    return ArchiveCore.create(shared, header, toc, this.origin + offset, this.nesting + 1);
  }

  /** How many bytes lie between a child's magic and the next child, or the end of the data. */
  #extent(offset: number, room: number): number {
    this.#offsets ??= this.#childOffsets();
    const offsets = this.#offsets;
    let low = 0;
    let high = offsets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (offsets[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    const extent = low < offsets.length ? offsets[low]! - offset : room;
    return extent >= HEADER_SIZE && extent <= room ? extent : room;
  }

  /** The offsets of the root's children, in ascending order. */
  #childOffsets(): Float64Array {
    const root = this.toc.root();
    if (root.kind !== "map" && root.kind !== "list") return new Float64Array(0);
    const { size, at } = this.toc.children(root);
    const offsets = new Float64Array(size);
    for (let i = 0; i < size; i++) offsets[i] = this.toc.offset(at(i).place) ?? Number.POSITIVE_INFINITY;
    return offsets.sort();
  }
}

/** The error for a table larger than the limit. */
export function tocTooLarge(size: number): PeekpackError {
  return new PeekpackError("limit", `The table of contents takes ${size} bytes (limit maxTocBytes).`, {
    section: "toc",
  });
}

/** A promise that one caller may leave, while the work goes on for others. */
function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    const leave = (): void => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

/** The decoder for a protocol. CBOR's is a chunk of its own, loaded when the first archive needs it. */
function decoderFor(shared: Shared, protocol: Protocol): Promise<Decoder> {
  let decoder = shared.decoders.get(protocol);
  if (decoder === undefined) {
    decoder =
      protocol === "cbor"
        ? import("../codec/cbor.js").then(({ cborDecoder }) => cborDecoder())
        : import("../codec/msgpack.js").then(({ msgpackDecoder }) => msgpackDecoder());
    shared.decoders.set(protocol, decoder);
    decoder.catch(() => shared.decoders.delete(protocol));
  }
  return decoder;
}

/** A custom codec's decoding over a built-in decoder's. */
function withCodec(base: Decoder, codec: Codec | undefined): Decoder {
  if (codec?.decode === undefined || codec.protocol !== base.protocol) return base;
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

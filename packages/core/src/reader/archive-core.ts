import type { Codec, Decoder, MapStyle } from "../codec/codec.js";
import { msgpackDecoder } from "../codec/msgpack.js";
import { PeekpackError } from "../errors.js";
import type { Cursor } from "../format/cursor.js";
import { HEADER_SIZE, type Header, type Protocol } from "../format/sound-header.js";
import { type Span, Toc } from "../format/toc.js";
import type { Limits } from "../limits.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ChildArchives } from "./child-archives.js";
import { loadRest } from "./load-rest.js";

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
  /** What was loaded when it was first needed. */
  rest?: Rest;
  closed: boolean;
}

/** What a first read does without: see `rest.ts`. */
export type Rest = typeof import("./rest.js");

/** The position of an archive's own magic. */
export const SELF: number = -HEADER_SIZE;

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
  #decoder: Decoder;
  /** Archives inside this one. */
  children: ChildArchives | undefined;

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
      throw replaced(error, "toc", 0, "The table of contents is damaged: ");
    }
    const core = new ArchiveCore(shared, decoder, header, toc, start, nesting);
    const { codec, rest } = shared;
    // Where the rest is loaded the whole table is read by it, without walking.
    if (rest || codec || globalThis.location === undefined) {
      const { withCodec } = await core.complete();
      if (codec) core.#decoder = withCodec(decoder, codec);
    }
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
      // What decoding needs comes while the bytes do.
      void this.#decoder.prepare?.(end - start);
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
    const preparing = this.#decoder.prepare?.(bytes.length);
    return preparing === undefined
      ? this.#decode(bytes, count, at)
      : preparing.then(() => this.#decode(bytes, count, at));
  }

  #decode(bytes: Uint8Array, count: number, at: number): Value[] | Promise<Value[]> {
    const { limits, maps, numpy } = this.shared;
    const decoded = this.#inData(at, () => this.#decoder.decode(bytes, count, { limits, maps }));
    return numpy && decoded.hasBytes
      ? this.complete().then(({ reviveNumpy }) => reviveNumpy(decoded.values))
      : decoded.values;
  }

  /** Runs what reads items of the data at `at`; its errors then say where in the source. */
  #inData<T>(at: number, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw replaced(error, "data", this.origin + at);
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

  /** Opens the archive inside this one whose magic is at a position: {@link SELF} is this archive itself. */
  child(offset: number, options?: ReadOptions): Promise<ArchiveCore> {
    const { rest } = this.shared;
    return rest ? rest.openChild(this, offset, options) : this.#childLater(offset, options);
  }

  async #childLater(offset: number, options?: ReadOptions): Promise<ArchiveCore> {
    const { openChild } = await this.complete();
    return offset === SELF ? this : openChild(this, offset, options);
  }

  /** Loads what a first read does without. */
  async complete(): Promise<Rest> {
    const { shared, toc } = this;
    shared.rest ??= await loadRest();
    toc.index ??= new shared.rest.ChildrenIndex(toc);
    return shared.rest;
  }
}

/** The error for a table larger than the limit. */
export function tocTooLarge(size: number): PeekpackError {
  return new PeekpackError("limit", `The table of contents takes ${size} bytes (limit maxTocBytes).`, {
    section: "toc",
  });
}

/** The decoder for a protocol. CBOR's is a chunk of its own, loaded when the first archive needs it. */
function decoderFor(shared: Shared, protocol: Protocol): Promise<Decoder> {
  let decoder = shared.decoders.get(protocol);
  if (decoder === undefined) {
    decoder =
      protocol === "cbor"
        ? import("../codec/cbor.js").then(({ cborDecoder }) => cborDecoder())
        : Promise.resolve(msgpackDecoder());
    shared.decoders.set(protocol, decoder);
    decoder.catch(() => shared.decoders.delete(protocol));
  }
  return decoder;
}

/** The error that a decoder threw for items at `at`, placed in the source. */
function replaced(error: unknown, section: "toc" | "data", at: number, front = ""): unknown {
  if (!(error instanceof PeekpackError) || error.section !== "data") return error;
  const { code, message, offset = 0, cause } = error;
  // Bytes that end early inside a span that is whole are damage, not a short file.
  return new PeekpackError(code === "truncated" ? "corrupt" : code, front + message, {
    section,
    offset: at + offset,
    cause,
  });
}

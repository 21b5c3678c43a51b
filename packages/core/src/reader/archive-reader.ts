import type { Decoder } from "../codec/codec.js";
import { PeekpackError } from "../errors.js";
import type { Cursor } from "../format/cursor.js";
import { decodeHeader, HEADER_SIZE, type Header } from "../format/header.js";
import {
  type ArchiveNode,
  type Blocks,
  type KeepBlocks,
  type Span,
  TableView,
} from "../format/table-view.js";
import { loadFeature } from "../load-feature.js";
import type { ByteLru } from "../lru.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import { type ArchiveParts, readTable } from "./archive-parts.js";
import { blockOf } from "./ascending.js";
import { assertOpen, decoderFor, type ReaderContext } from "./context.js";
import type { PagedLookups } from "./paged-lookups.js";
import { ResultBudget } from "./result-budget.js";
import { Table } from "./table.js";
import type { WalkedData } from "./walked-data.js";

/** A child archive of at most this size is read whole when it is opened. */
const WHOLE_CHILD = 64 * 1024;
/** How much of a larger child's end is read together with its header: it may hold the table or a page index. */
const CHILD_TAIL = 32 * 1024;
/** What an open child archive costs beside its table, in bytes. Measured over 150,000 children. */
const CHILD_COST = 1024;

/** One archive, or one inside another: its header, its table, its decoder, and where it starts in the source. */
export class ArchiveReader {
  readonly context: ReaderContext;
  readonly header: Header;
  readonly table: Table;
  /** Offset of the magic in the source. */
  readonly start: number;
  /** How many archives contain this one. */
  readonly nesting: number;
  readonly #decoder: Decoder;
  readonly #opening = new Map<number, Promise<ArchiveReader>>();
  #offsets: Float64Array | undefined;

  private constructor(
    context: ReaderContext,
    decoder: Decoder,
    { header, start, table }: ArchiveParts,
    nesting: number,
  ) {
    this.context = context;
    this.header = header;
    this.start = start;
    this.nesting = nesting;
    this.#decoder = decoder;
    const id = String(start);
    const decodeKey = (bytes: Uint8Array): Value => this.decodePlain(bytes);
    const { memory, limits } = context;
    const tableOf = (of: TableView | PagedLookups): Table => new Table(of, memory, id, decodeKey);
    const whole = (bytes: Uint8Array): Table =>
      tableOf(new TableView(decoder.cursor(bytes), header.tocStart, 0, keepBlocks(memory, id)));
    this.table =
      table instanceof Uint8Array
        ? whole(table)
        : tableOf(
            table.table({
              header,
              memory,
              limits,
              id,
              readTable: (ranges, options) =>
                this.#readAt(ranges, this.origin + header.tocStart, { ...options, reason: "toc" }),
              check: (bytes, count, at) => checkTable(decoder, bytes, count, context, at),
              cursor: (bytes) => decoder.cursor(bytes),
              whole: (bytes) => {
                this.#keep(bytes.length);
                return whole(bytes);
              },
              decodeKey,
            }),
          );
  }

  /**
   * Makes an archive of its header and its table, which is checked here.
   * @throws PeekpackError `corrupt`, `limit`; `network` if the code for its codec cannot be loaded
   */
  static async create(context: ReaderContext, parts: ArchiveParts, nesting = 0): Promise<ArchiveReader> {
    const decoder = await decoderFor(context, parts.header.protocol);
    if (parts.table instanceof Uint8Array) checkTable(decoder, parts.table, 1, context);
    const archive = new ArchiveReader(context, decoder, parts, nesting);
    archive.table.root();
    return archive;
  }

  /** Offset in the source that positions count from. */
  get origin(): number {
    return this.start + HEADER_SIZE;
  }

  /** Size of this archive in bytes, without a page index and without what else may follow it. */
  get size(): number {
    return HEADER_SIZE + this.header.tocStart + this.header.tocSize;
  }

  /** Reads spans of the data, all at once. */
  read(spans: readonly Span[], options?: ReadOptions): Promise<Uint8Array[]> {
    const { limits } = this.context;
    for (const { start, end } of spans) {
      if (end - start > limits.maxValueBytes) {
        throw new PeekpackError("limit", `A value takes ${end - start} bytes (limit maxValueBytes).`, {
          section: "data",
          offset: this.origin + start,
        });
      }
    }
    return this.#readAt(spans, this.origin, options);
  }

  /** Reads ranges that count from an offset in the source. */
  async #readAt(ranges: readonly Span[], origin: number, options?: ReadOptions): Promise<Uint8Array[]> {
    assertOpen(this.context);
    return this.context.source.read(
      ranges.map(({ start, end }) => ({ start: origin + start, end: origin + end })),
      options,
    );
  }

  /** Decodes `count` items that fill `bytes`, which were read at position `at`. */
  async decode(
    bytes: Uint8Array,
    count: number,
    at: number,
    budget?: ResultBudget,
    options?: ReadOptions,
  ): Promise<Value[]> {
    const { limits, maps, numpy } = this.context;
    const decoding = { limits: budget?.remaining() ?? limits, maps, numpy };
    const decoded = this.#inData(at, () => this.#decoder.decode(bytes, count, decoding));
    budget?.take(decoded.items, decoded.heap);
    if (!decoded.hasPickles) return decoded.values;
    const { reviveNumpy } = await loadFeature("numpy arrays", () => import("../numpy/revive.js"));
    return reviveNumpy(decoded.values, budget ?? this.budget(), options);
  }

  /** Checks that `count` well-formed items fill `bytes`, which were read at position `at`. */
  check(bytes: Uint8Array, count: number, at: number): void {
    this.#inData(at, () => this.#decoder.check(bytes, this.context.limits, count));
  }

  /** A cursor over bytes of this archive that were checked. */
  cursor(bytes: Uint8Array): Cursor {
    return this.#decoder.cursor(bytes);
  }

  /** Decodes one value as it is: byte strings stay byte strings. */
  decodePlain(bytes: Uint8Array): Value {
    const { limits, maps } = this.context;
    return this.#decoder.decode(bytes, 1, { limits, maps }).values[0];
  }

  /** A new budget, for one call. */
  budget(walked?: WalkedData): ResultBudget {
    return new ResultBudget(this.context.limits, walked);
  }

  /** Reads and decodes one value. */
  async value(span: Span, options?: ReadOptions, budget?: ResultBudget): Promise<Value> {
    const [bytes] = await this.read([span], options);
    // Reads of other sources wait for bytes, and other work runs meanwhile.
    if (this.context.source.local) await budget?.pause(options?.signal);
    return (await this.decode(bytes!, 1, span.start, budget, options))[0];
  }

  /**
   * Opens the archive inside this one that a node describes. Those used last stay open, as far as the reader's
   * memory holds them.
   */
  async child({ offset: position, end }: ArchiveNode, options?: ReadOptions): Promise<ArchiveReader> {
    const kept = this.context.memory.get(`${this.nesting + 1}/${this.origin + position}`) as
      | ArchiveReader
      | undefined;
    if (kept !== undefined) return kept;
    let opening = this.#opening.get(position);
    if (opening === undefined) {
      // Shared work: the abort of one caller must not fail the others. It is short, so it runs to its end.
      const reading = options === undefined ? undefined : { ...options, signal: undefined };
      opening = this.#openChild(position, end, reading)
        .then((child) => child.#keep(child.table.byteLength))
        .finally(() => this.#opening.delete(position));
      this.#opening.set(position, opening);
    }
    return this.context.abortListeners.untilAborted(opening, options?.signal);
  }

  /** Keeps this archive open, as far as the reader's memory holds it with its table. */
  #keep(tableBytes: number): this {
    this.context.memory.set(`${this.nesting}/${this.start}`, this, CHILD_COST + tableBytes);
    return this;
  }

  async #openChild(
    position: number,
    next: number | undefined,
    options: ReadOptions | undefined,
  ): Promise<ArchiveReader> {
    const { limits } = this.context;
    const end = this.endOf({ kind: "archive", offset: position, end: next });
    const extent = end - position;
    if (extent < HEADER_SIZE) {
      throw new PeekpackError("corrupt", `There is no room for a child archive at ${position}.`, {
        section: "toc",
      });
    }
    if (this.nesting + 1 > limits.maxArchiveDepth) {
      throw new PeekpackError("limit", `More than ${limits.maxArchiveDepth} archives inside each other.`, {
        section: "toc",
      });
    }
    const spans =
      extent <= WHOLE_CHILD
        ? [{ start: position, end }]
        : [
            { start: position, end: position + HEADER_SIZE },
            { start: end - CHILD_TAIL, end },
          ];
    const read = await this.read(spans, { ...options, reason: "open" });
    const start = this.origin + position;
    const header = decodeHeader(read[0]!, extent, start);
    const pieces = read.map((bytes, i) => ({ start: this.origin + spans[i]!.start, bytes }));
    const { source } = this.context;
    const found = { header, start, end: start + extent, pieces };
    return ArchiveReader.create(
      this.context,
      await readTable(source, found, { limits, cacheBytes: this.context.memory.maxBytes, reading: options }),
      this.nesting + 1,
    );
  }

  /** The position where a child archive's room ends: where the next one begins, or where the data end. */
  endOf({ offset, end = this.#nextArchive(offset) }: ArchiveNode): number {
    return Math.min(this.header.tocStart, end);
  }

  /** Where the next child archive begins, if there is one. The table must be in memory. */
  #nextArchive(position: number): number {
    this.#offsets ??= this.table.archiveOffsets();
    return this.#offsets[blockOf(this.#offsets, position) + 1] ?? Number.POSITIVE_INFINITY;
  }

  /** Runs work on items of the data at a position. Its errors then name the offset in the source. */
  #inData<T>(at: number, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw relocated(error, "data", this.origin + at);
    }
  }
}

/** Keeps the blocks of lists in the reader's memory. */
function keepBlocks(memory: ByteLru<string, object>, id: string): KeepBlocks {
  return (offset, read) => {
    const name = `${id}b${offset}`;
    const kept = memory.get(name) as Blocks | undefined;
    if (kept !== undefined) return kept;
    const blocks = read();
    memory.set(name, blocks, blocks.bounds.byteLength * 2 + 256);
    return blocks;
  };
}

function checkTable(
  decoder: Decoder,
  bytes: Uint8Array,
  count: number,
  { limits }: ReaderContext,
  at = 0,
): void {
  try {
    // A node, its map of children and its span nest deeper than the value. Items are not decoded: the size bounds them.
    const maxItems = Number.POSITIVE_INFINITY;
    decoder.check(bytes, { ...limits, maxItems, maxDepth: limits.maxDepth * 2 + 4 }, count);
  } catch (error) {
    throw relocated(error, "toc", at, "The table of contents is damaged: ");
  }
}

/** A decoder's error with the offset in the source. */
function relocated(error: unknown, section: "toc" | "data", at: number, prefix = ""): unknown {
  if (!(error instanceof PeekpackError) || error.section !== "data") return error;
  const { code, message, offset = 0, cause } = error;
  // Bytes that end early inside a whole span are damage, not a short file.
  return new PeekpackError(code === "truncated" ? "corrupt" : code, prefix + message, {
    section,
    offset: at + offset,
    cause,
  });
}

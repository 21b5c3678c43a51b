import { encodeHeader } from "../format/header.js";
import { ArchiveEncoder, NeedsStream } from "./encoder.js";
import { Frame, type ValueWriter } from "./frame.js";
import { asTooDeep, placed } from "./misplaced.js";
import type { ResolvedEncodeOptions } from "./options.js";
import { packerFor } from "./options.js";
import { type Packer, SlabFull } from "./packer.js";
import { isLazy, repack } from "./repack.js";
import type { ArchiveSink, WriteResult } from "./sink.js";
import { sortedSet } from "./sorted-set.js";
import { ListStream, MapStream } from "./stream.js";
import { tableIndexer } from "./table-indexer.js";
import { memorySpill } from "./table-spill.js";
import { TableStore } from "./table-store.js";

/** Bytes from which on data is handed to the sink. */
const CHUNK = 1024 * 1024;
/** A value that takes more memory than this is written child by child. */
const SLAB = 8 * CHUNK;

/**
 * Writes a value into a sink. A value that fits into a few MiB is encoded at once. A larger one, and one that must be consumed
 * or awaited, is written child by child; data goes to the sink in between.
 */
export class ArchiveWriter implements ValueWriter {
  readonly encoder: ArchiveEncoder;
  readonly table: TableStore;
  /** The innermost container whose children are being written one by one. */
  frame: Frame | undefined;
  readonly #sink: ArchiveSink;
  readonly #options: ResolvedEncodeOptions;
  readonly #signal: AbortSignal | undefined;

  constructor(sink: ArchiveSink, options: ResolvedEncodeOptions, signal: AbortSignal | undefined) {
    this.#sink = sink;
    this.#options = options;
    this.#signal = signal;
    const data = packerFor(options.protocol, 64 * 1024);
    const toc = packerFor(options.protocol, 4 * 1024);
    this.encoder = new ArchiveEncoder(data, toc, 0, options);
    this.table = new TableStore(toc, () => sink.spill?.() ?? memorySpill());
  }

  get #data(): Packer {
    return this.encoder.data;
  }

  /** Writes the whole archive. If it fails the caller aborts the sink. */
  async write(value: unknown): Promise<WriteResult> {
    const { encoder, table } = this;
    const { protocol } = this.#options;
    try {
      await this.#root(value);
      const tocStart = encoder.position;
      if (table.offset === 0) encoder.toc.span(0, tocStart, 1);
      await this.flush();
      const tocSize = table.size;
      const index = tableIndexer(this.#options, tocStart, tocSize);
      const spill = table.appendix();
      await table.drain(async (chunk) => {
        index?.write(chunk);
        if (spill !== undefined) await index?.spill(spill);
        await this.#sink.write(chunk);
        this.#signal?.throwIfAborted();
      });
      const chunks = spill === undefined ? index?.finish()?.chunks() : await index?.finishSpilled(spill);
      for await (const chunk of chunks ?? []) {
        await this.#sink.write(chunk);
        this.#signal?.throwIfAborted();
      }
      await table.close();
      this.#signal?.throwIfAborted();
      return await this.#sink.finish(encodeHeader({ protocol, tocStart, tocSize }));
    } finally {
      await table.close();
    }
  }

  async #root(value: unknown): Promise<void> {
    try {
      await this.value(value, 0);
    } catch (error) {
      throw placed(error);
    }
  }

  /** Writes one value. Returns whether it is trivial. */
  value(value: unknown, depth: number): boolean | Promise<boolean> {
    const mark = this.encoder.mark();
    this.#data.limit = mark.data + SLAB;
    try {
      return this.encoder.value(value, depth);
    } catch (error) {
      if (!(error instanceof NeedsStream || error instanceof SlabFull)) throw asTooDeep(error);
      this.encoder.rewind(mark);
    } finally {
      this.#data.limit = Number.POSITIVE_INFINITY;
    }
    return this.#into(value, depth);
  }

  /** Hands to the sink what has been encoded. Offsets in the buffers are then no longer valid. */
  async flush(): Promise<void> {
    this.#signal?.throwIfAborted();
    await this.table.overflow();
    const data = this.#data;
    const { pos } = data;
    if (pos === 0) return;
    const chunk = data.buf.subarray(0, pos);
    this.encoder.shift += pos;
    if (this.#sink.copies && data.buf.length <= SLAB) {
      await this.#sink.write(chunk);
      data.pos = 0;
      return;
    }
    // A little larger than this chunk: the next one is about as long, and should not have to grow.
    data.replace(Math.min(CHUNK * 1.25, Math.max(pos * 1.25, 64 * 1024)), 0);
    data.pos = 0;
    await this.#sink.write(chunk);
  }

  /** Writes a value child by child. */
  async #into(value: unknown, depth: number): Promise<boolean> {
    if (Array.isArray(value)) return this.list(value, value.length, depth);
    if (value instanceof Map) return this.map(value, value.size, depth);
    if (value instanceof MapStream) return this.map(value.entries, value.count, depth);
    if (value instanceof ListStream) return this.list(value.items, value.count, depth);
    if (value instanceof Set) {
      const members = sortedSet(value, this.#options.sets);
      return this.list(members, members.length, depth);
    }
    if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
      if (isLazy(value)) return repack(this, value, depth);
      const stream = value as AsyncIterable<unknown> & Iterable<unknown>;
      if (Symbol.asyncIterator in value || Symbol.iterator in value)
        return this.list(stream, undefined, depth);
      const proto = Object.getPrototypeOf(value);
      if (proto === Object.prototype || proto === null) {
        const keys = Object.keys(value);
        const record = value as Record<string, unknown>;
        const entries = keys.map((key): [string, unknown] => [key, record[key]]);
        return this.map(entries, keys.length, depth);
      }
    }
    // One long text, byte string or typed array has no children: it takes the memory it needs.
    return this.encoder.value(value, depth);
  }

  /** Writes a list of items. Without a count they are collected first. */
  async list(
    items: Iterable<unknown> | AsyncIterable<unknown>,
    count: number | undefined,
    depth: number,
  ): Promise<boolean> {
    const from = count === undefined ? await collect(items) : items;
    const frame = await Frame.open(this, false, count ?? (from as unknown[]).length, depth);
    await this.#each(from, (item) => frame.item(item));
    return frame.close();
  }

  /** Writes a map of entries. Without a count they are collected first. */
  async map(
    entries: Iterable<readonly [unknown, unknown]> | AsyncIterable<readonly [unknown, unknown]>,
    count: number | undefined,
    depth: number,
  ): Promise<boolean> {
    const from = count === undefined ? await collect(entries) : entries;
    const frame = await Frame.open(this, true, count ?? (from as unknown[]).length, depth);
    await this.#each(from, (entry) => {
      if (!Array.isArray(entry) || entry.length !== 2) {
        throw new TypeError("The entries of a map are pairs of a key and a value.");
      }
      return frame.entry(entry[0], entry[1]);
    });
    return frame.close();
  }

  /** Visits items one after the other, and flushes in between. Does not yield to the event loop unless something is awaited. */
  async #each<T>(
    items: Iterable<T> | AsyncIterable<T>,
    visit: (item: T) => undefined | Promise<void>,
  ): Promise<void> {
    const one = (item: T): undefined | Promise<void> => {
      const done = visit(item);
      if (done !== undefined) return done.then(() => (this.#data.pos >= CHUNK ? this.flush() : undefined));
      return this.#data.pos >= CHUNK ? this.flush() : undefined;
    };
    if (Symbol.asyncIterator in items) {
      for await (const item of items) await one(item);
      return;
    }
    for (const item of items) {
      const done = one(item);
      if (done !== undefined) await done;
    }
  }
}

async function collect<T>(items: Iterable<T> | AsyncIterable<T>): Promise<T[]> {
  if (!(Symbol.asyncIterator in items)) return [...items];
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

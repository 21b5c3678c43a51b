import { PeekpackError } from "../errors.js";
import { encodeHeader } from "../format/header.js";
import { ArchiveEncoder, NeedsStream } from "./encoder.js";
import { asTooDeep, located, placed } from "./misplaced.js";
import type { ResolvedEncodeOptions } from "./options.js";
import { packerFor } from "./options.js";
import { type Packer, SlabFull } from "./packer.js";
import { isLazy, repack } from "./repack.js";
import type { ArchiveSink, WriteResult } from "./sink.js";
import { sortedSet } from "./sorted-set.js";
import { ListStream, MapStream } from "./stream.js";

/** Bytes that are handed to the sink at a time, about. */
const CHUNK = 1024 * 1024;
/** What one value may take of memory before the writer goes into it and writes its children one by one. */
const SLAB = 8 * CHUNK;

/**
 * Writes a value into a sink. Whatever fits into a few MiB is encoded in one go; what does not, and what must be
 * consumed or awaited, is gone into: its children are written one after the other, and the bytes handed on in between.
 */
export class ArchiveWriter {
  readonly encoder: ArchiveEncoder;
  readonly #sink: ArchiveSink;
  readonly #options: ResolvedEncodeOptions;
  readonly #signal: AbortSignal | undefined;

  constructor(sink: ArchiveSink, options: ResolvedEncodeOptions, signal: AbortSignal | undefined) {
    this.#sink = sink;
    this.#options = options;
    this.#signal = signal;
    const data = packerFor(options.protocol, 64 * 1024);
    this.encoder = new ArchiveEncoder(data, packerFor(options.protocol, 4 * 1024), 0, options);
  }

  get #data(): Packer {
    return this.encoder.data;
  }

  /** Writes the whole archive. The sink is not aborted when it fails: that is the caller's. */
  async write(value: unknown): Promise<WriteResult> {
    const { encoder } = this;
    const toc = encoder.toc.packer;
    try {
      await this.value(value, 0);
    } catch (error) {
      throw placed(error);
    }
    const tocStart = encoder.position;
    if (toc.pos === 0) encoder.toc.span(0, tocStart, 1);
    await this.flush();
    await this.#sink.write(toc.buf.subarray(0, toc.pos));
    this.#signal?.throwIfAborted();
    return this.#sink.finish(encodeHeader({ protocol: this.#options.protocol, tocStart, tocSize: toc.pos }));
  }

  /** Writes one value; whether it is trivial. */
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

  /** Hands to the sink what has been encoded. Only between values: places in the buffer are forgotten. */
  async flush(): Promise<void> {
    this.#signal?.throwIfAborted();
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
    // Somewhat larger than what was needed now: else the next chunk, of about the same length, would have to grow for it.
    data.replace(Math.min(CHUNK * 1.25, Math.max(pos * 1.25, 64 * 1024)), 0);
    data.pos = 0;
    await this.#sink.write(chunk);
  }

  /** Writes a value that must be gone into. */
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
    // One long text, byte string or typed array: it takes the memory it takes.
    return this.encoder.value(value, depth);
  }

  /** Writes a list from what gives its items. Without a count they are collected first. */
  async list(
    items: Iterable<unknown> | AsyncIterable<unknown>,
    count: number | undefined,
    depth: number,
  ): Promise<boolean> {
    const from = count === undefined ? await collect(items) : items;
    const frame = new Frame(this, false, count ?? (from as unknown[]).length, depth);
    await this.#each(from, (item) => frame.item(item));
    return frame.close();
  }

  /** Writes a map from what gives its entries. Without a count they are collected first. */
  async map(
    entries: Iterable<readonly [unknown, unknown]> | AsyncIterable<readonly [unknown, unknown]>,
    count: number | undefined,
    depth: number,
  ): Promise<boolean> {
    const from = count === undefined ? await collect(entries) : entries;
    const frame = new Frame(this, true, count ?? (from as unknown[]).length, depth);
    await this.#each(from, (entry) => {
      if (!Array.isArray(entry) || entry.length !== 2) {
        throw new TypeError("The entries of a map are pairs of a key and a value.");
      }
      return frame.entry(entry[0], entry[1]);
    });
    return frame.close();
  }

  /** Visits items one after the other, flushing in between. Takes no turn of the event loop where nothing is to be awaited. */
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

/** A container whose children are written one by one. What it keeps of each: two or three numbers, and a map's keys. */
export class Frame {
  readonly #writer: ArchiveWriter;
  readonly #isMap: boolean;
  readonly #count: number;
  readonly #depth: number;
  readonly #start: number;
  readonly #body: number;
  readonly #node: number;
  readonly #spans: number[] = [];
  readonly #nodes: number[] = [];
  readonly #keys: Packer;
  #trivial = true;
  #taken = 0;

  /** Writes the head of a container of `count` children. */
  constructor(writer: ArchiveWriter, isMap: boolean, count: number, depth: number) {
    const { encoder } = writer;
    encoder.deeper(depth);
    this.#writer = writer;
    this.#isMap = isMap;
    this.#count = count;
    this.#depth = depth;
    this.#start = encoder.position;
    this.#node = encoder.toc.packer.pos;
    if (isMap) encoder.data.map(count);
    else encoder.data.array(count);
    this.#body = encoder.position;
    this.#keys = packerFor(encoder.data.protocol, isMap ? 256 : 0);
  }

  /** Writes a map's next entry. */
  entry(key: unknown, value: unknown): undefined | Promise<void> {
    this.key(key, key);
    return this.child(key, () => this.#writer.value(value, this.#depth + 1));
  }

  /** Writes a map's next key. `name` is what it is called in messages. */
  key(key: unknown, name: unknown): void {
    const { encoder } = this.#writer;
    const { data } = encoder;
    const start = data.pos;
    try {
      encoder.key(key, this.#depth + 1);
    } catch (error) {
      if (error instanceof NeedsStream) {
        throw located(
          new PeekpackError("unsupported-value", "A key cannot be an iterable or a lazy handle."),
          name,
        );
      }
      throw located(error, name);
    }
    this.#keys.raw(data.buf.subarray(start, data.pos));
    this.#spans.push(encoder.position);
  }

  /** Writes a list's next item. */
  item(value: unknown): undefined | Promise<void> {
    return this.child(this.#taken, () => this.#writer.value(value, this.#depth + 1));
  }

  /** Writes the next value of a map, or item of a list, by other means than a value: `write` says whether it is trivial. */
  child(key: unknown, write: () => boolean | Promise<boolean>): undefined | Promise<void> {
    if (this.#taken === this.#count) {
      throw new PeekpackError(
        "unsupported-value",
        `A stream gives more than the ${this.#count} it was said to.`,
      );
    }
    this.#taken++;
    const before = this.#writer.encoder.toc.packer.pos;
    try {
      const done = write();
      if (!(done instanceof Promise)) {
        this.#note(done, before);
        return undefined;
      }
      return done.then(
        (trivial) => this.#note(trivial, before),
        (error: unknown) => {
          throw located(error, key);
        },
      );
    } catch (error) {
      throw located(error, key);
    }
  }

  #note(trivial: boolean, before: number): void {
    const { encoder } = this.#writer;
    if (!trivial) this.#trivial = false;
    const own = encoder.toc.packer.pos - before;
    this.#spans.push(own === 0 ? encoder.position : -encoder.position);
    if (own > 0) this.#nodes.push(own);
  }

  /** Ends the container; whether it is trivial. */
  close(): boolean {
    if (this.#taken !== this.#count) {
      throw new PeekpackError(
        "unsupported-value",
        `A stream was said to give ${this.#count} and has given ${this.#taken}.`,
      );
    }
    const { encoder } = this.#writer;
    const { toc } = encoder;
    const end = encoder.position;
    const size = end - this.#start;
    if (toc.isSmall(size) || (this.#trivial && this.#isMap)) {
      toc.packer.pos = this.#node;
    } else {
      // In positions from the origin: what the places were counted in has been handed to the sink.
      toc.close({
        isMap: this.#isMap,
        trivial: this.#trivial,
        start: this.#start,
        body: this.#body,
        end,
        shift: 0,
        node: this.#node,
        spans: this.#spans,
        first: 0,
        last: this.#spans.length,
        nodes: this.#nodes,
        firstNode: 0,
        keys: this.#keys.buf,
        keysAt: 0,
        packed: true,
      });
    }
    return toc.packer.pos === this.#node && size <= encoder.options.trivialSize;
  }
}

import { loadFeature } from "../load-feature.js";
import type { NumberType } from "../number-arrays.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";
import type { ReadStats } from "../source/read-stats.js";
import type { ArchiveReader } from "./archive-reader.js";
import { assertOpen } from "./context.js";
import type { KeysOptions } from "./entries.js";
import { encodeIndex } from "./kept-index.js";
import { hasAt, isValue, lookUp, type NodeLocation, rootOf } from "./lookup.js";
import { materialize, valuesAt } from "./materialize.js";
import type { NumberArrayOf } from "./number-array.js";
import type { PageIndexInfo } from "./page-index-info.js";
import { type Path, type PathSegment, parsePath } from "./path.js";
import type { Pattern, Selected } from "./pattern.js";
import type { RawSource } from "./raw.js";
import type { At, InnerOf, KeyOf, Lazily, PathIn, Untyped } from "./schema.js";
import { Sequence } from "./sequence.js";
import type { StandardSchema } from "./standard-schema.js";

/** What is known of an archive once it is open. Sizes in bytes. */
export interface ArchiveInfo {
  /** The codec of the outermost archive. */
  readonly codec: "msgpack" | "cbor";
  /** What the root is: one value, a map or a list with a table of its own, a list of blocks, or a combined archive. */
  readonly kind: "value" | "map" | "list" | "blocked" | "combined-map" | "combined-list";
  /** Size of the archive: header, data and table. */
  readonly size: number;
  /** Size of the data. */
  readonly dataBytes: number;
  /** Size of the table of contents. */
  readonly tocBytes: number;
  /** The page index: whether values are found through it, and why not. */
  readonly pageIndex: PageIndexInfo;
  /** Offset of the archive in its object. */
  readonly offset: number;
  /** Size of the object that contains it, if it is known. */
  readonly objectSize: number | undefined;
  /** Version (ETag or version id) of the object, if it has one. */
  readonly version: string | undefined;
  /** Where it is read from: no credential, no query string. */
  readonly label: string;
}

/** An archive as it was opened, or reopened after the object had changed. */
export interface OpenState {
  readonly reader: ArchiveReader;
  readonly info: ArchiveInfo;
  readonly headerBytes: Uint8Array;
}

/**
 * Opens an archive anew if `error` says that its object has changed since `failed` was opened.
 * @param current the state that is open now: another read may have reopened the archive
 * @throws `error` if it is another one
 */
export type Reopen = (error: unknown, failed: OpenState, current: OpenState) => Promise<OpenState>;

/**
 * An open archive. Only its header and its table, or pieces of it, are in memory. Values are read by position when they
 * are asked for, so that any number of reads may run at once.
 *
 * Paths are texts split on `/` (`"entries/0/name"`), or arrays of exact keys, indices and {@link slice}s. On a list a
 * text segment is an index (negative from the end), or a slice `start:stop` or `start:step:stop`.
 *
 * Every method that takes a path rejects with `not-found` (no such key, index out of range), `bad-path` (the path does
 * not fit the value), `corrupt` and `limit` for damaged archives, what the source rejects with, and the signal's own
 * reason after an abort.
 *
 * With a schema, `openArchive<Schema>(…)`, the compiler checks paths written as literals, and values have their types.
 * The schema is trusted, not verified.
 */
export class Archive<S = Untyped> {
  #state: OpenState;
  readonly #reopen: Reopen | undefined;
  /** Every source that was opened. `close` closes them all: handles from before a reopening still use theirs. */
  readonly #sources: Set<RangeSource>;

  /** Made by {@link openArchive}. */
  constructor(state: OpenState, reopen?: Reopen) {
    this.#state = state;
    this.#reopen = reopen;
    this.#sources = new Set([state.reader.context.source]);
  }

  /** What is known of the archive. */
  get info(): ArchiveInfo {
    return this.#state.info;
  }

  /** What the archive is read from: the source given, with the read engine around it. */
  get source(): RangeSource {
    return this.#state.reader.context.source;
  }

  /** What reading has cost so far: requests, bytes, cache hits. */
  get stats(): Readonly<ReadStats> {
    return { ...(this.source as RangeSource & { stats: ReadStats }).stats };
  }

  /**
   * The value at a path. A container that has entries of its own in the table comes as a handle. A slice gives an array.
   */
  get<const P extends Path | undefined = undefined>(
    path?: PathIn<S, P>,
    options?: ReadOptions,
  ): Promise<Lazily<At<S, P>>> {
    return this.#at(path, options, (reader, segments) =>
      lookUp(reader, segments, options, async (at) => {
        if (isValue(at)) return materialize(at, reader.budget(), options);
        const { handleOf } = await loadFeature("handles", () => import("./handles.js"));
        return handleOf(at, reader.budget(), options);
      }),
    ) as Promise<Lazily<At<S, P>>>;
  }

  /**
   * Everything at a path and below it, as plain data.
   * @param options with a `schema`, the value is what the schema's `validate` makes of it
   * @throws SchemaError (`unsupported-value`) if the value does not fit the schema
   */
  read<O>(path: Path | undefined, options: ReadOptions & { readonly schema: StandardSchema<O> }): Promise<O>;
  read<const P extends Path | undefined = undefined>(
    path?: PathIn<S, P>,
    options?: ReadOptions & { readonly schema?: undefined },
  ): Promise<At<S, P>>;
  read(
    path?: Path,
    options?: ReadOptions & { readonly schema?: StandardSchema | undefined },
  ): Promise<unknown> {
    return this.#at(path, options, (reader, segments) =>
      lookUp(reader, segments, options, async (at) => {
        const value = await materialize(at, reader.budget(), options);
        if (!options?.schema) return value;
        const { validated } = await loadFeature("schemas", () => import("./standard-schema.js"));
        return validated(value, options.schema, segments);
      }),
    );
  }

  /** What {@link read} gives for each of many paths, with few requests. Rejects with the first failure. */
  async readMany<const P extends Path>(
    paths: Iterable<PathIn<S, P>>,
    options?: ReadOptions,
  ): Promise<At<S, P>[]> {
    const all = Array.from(paths) as Path[];
    return this.#withReader(options, (reader) => valuesAt(reader, all, options)) as Promise<At<S, P>[]>;
  }

  /**
   * The numbers of the list at a path as a typed array, made straight from their bytes.
   * @throws PeekpackError `unsupported-value` if an item is not a number, or one that the type does not hold exactly
   *   ("float32" and "float64" take every number and round it)
   * @throws TypeError for an unknown type
   */
  toTypedArray<T extends NumberType>(
    path: Path | undefined,
    type: T,
    options?: ReadOptions,
  ): Promise<NumberArrayOf<T>> {
    return this.#at(path, options, async (reader, segments) => {
      const { typedArrayAt } = await loadFeature("typed arrays", () => import("./number-column.js"));
      return typedArrayAt(reader, segments, type, options);
    });
  }

  /**
   * Everything that a pattern matches, as it arrives. In `"entries/*​/energy"` the `*` stands for every key or index of
   * one level; in an array it is {@link ANY}. Values are read in groups, with few requests. A node where the pattern
   * leads nowhere is skipped.
   */
  select<const P extends Pattern>(
    pattern: PathIn<S, P>,
    options?: ReadOptions,
  ): Sequence<Selected<At<S, P>>> {
    return this.#sequence(options, async (reader) => {
      const { select } = await loadFeature("select", () => import("./select.js"));
      return select(reader, pattern, options) as AsyncGenerator<Selected<At<S, P>>>;
    });
  }

  /** Whether there is something at a path. */
  has(path: Path, options?: ReadOptions): Promise<boolean> {
    return this.#at(path, options, hasAt);
  }

  /**
   * The keys of the map at a path, or the indices of the list. `start` and `limit` choose a page of them.
   * @throws RangeError if `start` or `limit` is negative or not an integer
   */
  keys<const P extends Path | undefined = undefined>(
    path?: PathIn<S, P>,
    options?: KeysOptions,
  ): Sequence<KeyOf<At<S, P>>> {
    return this.#sequence(options, async (reader) => {
      const { keysAt } = await queries();
      return keysAt(reader, parsePath(path as Path), options);
    }) as unknown as Sequence<KeyOf<At<S, P>>>;
  }

  /** Keys (or indices) and values of the container at a path, containers as handles. They are prefetched. */
  entries<const P extends Path | undefined = undefined>(
    path?: PathIn<S, P>,
    options?: ReadOptions,
  ): Sequence<[KeyOf<At<S, P>>, InnerOf<At<S, P>>]> {
    return this.#sequence(options, async (reader) => {
      const { entriesAt } = await queries();
      return entriesAt(reader, parsePath(path as Path), options);
    }) as unknown as Sequence<[KeyOf<At<S, P>>, InnerOf<At<S, P>>]>;
  }

  /** How many entries or items the container at a path has. */
  size(path?: Path, options?: ReadOptions): Promise<number> {
    return this.#at(path, options, async (reader, segments) => {
      const { sizeAt } = await queries();
      return sizeAt(reader, segments, options);
    });
  }

  /**
   * The encoded bytes at a path, copied and never decoded. Of a child archive: header, data and table, an archive of its
   * own. Of a value: its item in the archive's codec. Without a path: the archive itself.
   */
  raw(path?: Path, options?: ReadOptions): ReadableStream<Uint8Array> {
    const segments = parsePath(path);
    const load = async (): Promise<RawSource> => {
      const { rawSource } = await loadFeature("raw bytes", () => import("./raw.js"));
      return rawSource(segments, options, (inner, start) => this.#sequence(inner, start));
    };
    let source: Promise<RawSource> | undefined;
    return new ReadableStream(
      {
        async pull(stream) {
          source ??= load();
          await (await source).pull(stream);
        },
        async cancel(reason) {
          (await source)?.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    );
  }

  /**
   * What is needed to open the archive again without a request: `openArchive(source, { index })`. It holds the table, or
   * the root of its page index.
   */
  index(): Uint8Array {
    const { reader, headerBytes, info } = this.#state;
    const { paged, bytes } = reader.table;
    return encodeIndex({
      headerBytes,
      holds: paged === undefined ? "table" : info.pageIndex.sidecar ? "sidecar" : "page-index",
      table: paged?.index.bytes ?? bytes!,
      offset: info.offset,
      size: info.objectSize,
      version: info.version,
    });
  }

  /** Closes the source. Later reads reject with `closed`. */
  async close(): Promise<void> {
    const { lifetime } = this.#state.reader.context;
    if (lifetime.closed) return;
    lifetime.closed = true;
    for (const source of this.#sources) await source.close?.();
  }

  /** Closes the archive: `await using archive = await openArchive(…)`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For the packages of peekpack: the node at the root. */
  "~location"(): NodeLocation {
    return rootOf(this.#state.reader);
  }

  /** Does something at a path. */
  async #at<T, O extends ReadOptions | undefined>(
    path: unknown,
    options: O,
    work: (reader: ArchiveReader, segments: readonly PathSegment[], options: O) => Promise<T>,
  ): Promise<T> {
    const segments = parsePath(path as Path | undefined);
    return this.#withReader(options, (reader) => work(reader, segments, options));
  }

  /** Does something with the archive, and once more after the object has changed, if `onChange` asks for it. */
  async #withReader<T>(
    options: ReadOptions | undefined,
    work: (reader: ArchiveReader) => Promise<T>,
  ): Promise<T> {
    options?.signal?.throwIfAborted();
    const state = this.#state;
    try {
      assertOpen(state.reader.context);
      return await work(state.reader);
    } catch (error) {
      if (!this.#reopen) throw error;
      const now = await this.#reopen(error, state, this.#state);
      this.#state = now;
      const { context } = now.reader;
      this.#sources.add(context.source);
      // It may have been closed meanwhile.
      if (context.lifetime.closed) await context.source.close?.();
      assertOpen(context);
      return work(now.reader);
    }
  }

  /** Items of a walk. A changed object is reopened only before the first item: the others are of the same version. */
  #sequence<T>(
    options: ReadOptions | undefined,
    start: (reader: ArchiveReader) => AsyncIterable<T> | Promise<AsyncIterable<T>>,
  ): Sequence<T> {
    const begin = (): Promise<readonly [AsyncIterator<T>, IteratorResult<T>]> =>
      this.#withReader(options, async (reader) => {
        const items = (await start(reader))[Symbol.asyncIterator]();
        return [items, await items.next()];
      });
    return new Sequence(async function* () {
      const [items, first] = await begin();
      if (first.done) return;
      try {
        yield first.value;
        yield* { [Symbol.asyncIterator]: () => items };
      } finally {
        await items.return?.();
      }
    });
  }
}

/** Loads the code for what a container has: keys, entries, size. @throws PeekpackError `network` */
function queries(): Promise<typeof import("./queries.js")> {
  return loadFeature("keys, entries and sizes", () => import("./queries.js"));
}

import type { RangeSource, ReadOptions } from "../source/range-source.js";
import type { ReadStats } from "../source/read-stats.js";
import type { Value } from "../values.js";
import { type ArchiveCore, type Rest, SELF } from "./archive-core.js";
import { encodeIndex } from "./index-bytes.js";
import { type Location, lookUp, rootOf } from "./location.js";
import { type Path, type PathSegment, parsePath } from "./path.js";
import { type Pattern, parsePattern, type Selected } from "./pattern.js";
import type { At, InnerOf, KeyOf, Lazily, PathIn, Untyped } from "./schema.js";
import { Sequence } from "./sequence.js";

/** What is known of an archive once it is open. Sizes in bytes. */
export interface ArchiveInfo {
  /** The codec of the outermost archive. */
  readonly codec: "msgpack" | "cbor";
  /** What the root is: one value, a map or a list with a table of its own, a list of blocks, or a combination of archives. */
  readonly kind: "value" | "map" | "list" | "blocked" | "combined-map" | "combined-list";
  /** Size of the archive: header, data and table. */
  readonly size: number;
  /** Size of the data. */
  readonly dataBytes: number;
  /** Size of the table of contents. */
  readonly tocBytes: number;
  /** Offset of the archive in its object. */
  readonly offset: number;
  /** Size of the object that it lies in, where that is known. */
  readonly objectSize: number | undefined;
  /** Version (ETag or version id) of the object, where it has one. */
  readonly version: string | undefined;
  /** Where it is read from: no credential, no query string. */
  readonly label: string;
}

/** What an archive is opened from, and how it is opened again when the object has changed. */
export interface OpenState {
  /** The state that was open before the object changed: what it has handed out may still be read. */
  readonly before?: OpenState | undefined;
  readonly core: ArchiveCore;
  readonly info: ArchiveInfo;
  readonly headerBytes: Uint8Array;
}

/**
 * Opens an archive anew where `error` says that its object has changed since `before`, unless it was: `now` is what is open.
 * @throws `error` where it is another one
 */
export type Reopen = (error: unknown, before: OpenState, now: OpenState) => Promise<OpenState>;

/**
 * An open archive. Nothing but its header and table is in memory; values are read when they are asked for, by position, so that
 * any number of reads may run at once.
 *
 * Paths are texts split on `/` (`"entries/0/name"`), or arrays of exact keys, indices and {@link slice}s. On a list a text
 * segment is an index (negative from the end), or a slice `start:stop` or `start:step:stop`.
 *
 * Every method that takes a path rejects with `not-found` (no such key, index out of range), `bad-path` (the path does not fit
 * what it is applied to), `corrupt` and `limit` for damaged archives, what the source rejects with, and the signal's own
 * reason after an abort.
 *
 * With a schema, `openArchive<Schema>(…)`, paths written as literals are checked by the compiler, and values have their types. The
 * schema is believed, not verified.
 */
export class Archive<S = Untyped> {
  #state: OpenState;
  readonly #reopen: Reopen | undefined;

  /** Made by {@link openArchive}. */
  constructor(state: OpenState, reopen?: Reopen) {
    this.#state = state;
    this.#reopen = reopen;
  }

  /** What is known of the archive. */
  get info(): ArchiveInfo {
    return this.#state.info;
  }

  /** What the archive is read from: the source given, with the read engine around it. */
  get source(): RangeSource {
    return this.#state.core.shared.source;
  }

  /** What reading has cost so far: requests, bytes, reads that the cache answered. */
  get stats(): Readonly<ReadStats> {
    return { ...(this.#state.core.shared.source as RangeSource & { stats: ReadStats }).stats };
  }

  /**
   * What lies at a path: a handle for a container that has entries of its own in the table, else the value itself. A slice gives
   * an array of such.
   */
  get<const P extends Path | undefined = undefined>(
    path?: PathIn<S, P>,
    options?: ReadOptions,
  ): Promise<Lazily<At<S, P>>> {
    return this.#at(path as P, options, async (at, core) =>
      (await core.complete()).present(at, options),
    ) as Promise<Lazily<At<S, P>>>;
  }

  /** Everything at a path and below it, as plain data. */
  read<const P extends Path | undefined = undefined>(
    path?: PathIn<S, P>,
    options?: ReadOptions,
  ): Promise<At<S, P>> {
    return this.#at(path as P, options, (at, core) => valueAt(at, core, options)) as Promise<At<S, P>>;
  }

  /** What {@link read} gives for each of many paths: planned together, with few requests. Rejects with the first that fails. */
  async readMany<const P extends Path>(
    paths: Iterable<PathIn<S, P>>,
    options?: ReadOptions,
  ): Promise<At<S, P>[]> {
    const wanted = Array.from(paths, (path) => parsePath(path as Path));
    return this.#rest((core, rest) => rest.valuesAt(core, wanted, options)) as Promise<At<S, P>[]>;
  }

  /**
   * Everything that a pattern matches, as it arrives: `"entries/*​/energy"`, where `*` stands for every key or index of one
   * level; in an array it is {@link ANY}. Values are read in groups, with few requests. Where the pattern leads nowhere, it is
   * passed over.
   */
  select<const P extends Pattern>(
    pattern: PathIn<S, P>,
    options?: ReadOptions,
  ): Sequence<Selected<At<S, P>>> {
    const segments = parsePattern(pattern);
    return this.#sequence(
      (core, rest) => rest.select(core, segments, options) as AsyncGenerator<Selected<At<S, P>>>,
    );
  }

  /** Whether something lies at a path. */
  async has(path: Path, options?: ReadOptions): Promise<boolean> {
    const segments = this.#segments(path, options);
    return this.#rest((core, rest) => rest.hasAt(core, segments, options));
  }

  /** The keys of the map at a path, or the indices of the list. Awaited, an array. */
  keys<const P extends Path | undefined = undefined>(
    path?: PathIn<S, P>,
    options?: ReadOptions,
  ): Sequence<KeyOf<At<S, P>>> {
    return this.#sequence((core, rest) =>
      rest.keysAt(core, this.#segments(path as P, options), options),
    ) as unknown as Sequence<KeyOf<At<S, P>>>;
  }

  /** Keys (or indices) and values of the container at a path, containers as handles: fetched ahead. Awaited, an array. */
  entries<const P extends Path | undefined = undefined>(
    path?: PathIn<S, P>,
    options?: ReadOptions,
  ): Sequence<[KeyOf<At<S, P>>, InnerOf<At<S, P>>]> {
    return this.#sequence((core, rest) =>
      rest.entriesAt(core, this.#segments(path as P, options), options),
    ) as unknown as Sequence<[KeyOf<At<S, P>>, InnerOf<At<S, P>>]>;
  }

  /** How many entries or items the container at a path has. */
  async size(path?: Path, options?: ReadOptions): Promise<number> {
    const segments = this.#segments(path, options);
    return this.#rest((core, rest) => rest.sizeAt(core, segments, options));
  }

  /**
   * The encoded bytes at a path, copied and never decoded: of a child archive, header, data and table (an archive of its own);
   * of a value, its item in the archive's codec. Without a path: the archive itself.
   */
  raw(path?: Path, options?: ReadOptions): ReadableStream<Uint8Array> {
    this.#state.core.assertOpen();
    const segments = parsePath(path);
    const chunks = this.#sequence((core, rest) => rest.rawChunks(core, segments, options))[
      Symbol.asyncIterator
    ]();
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { value } = await chunks.next();
          if (value === undefined) controller.close();
          else controller.enqueue(value);
        },
        async cancel() {
          await chunks.return?.();
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** Header and table of contents, to open the archive again without a request: `openArchive(source, { index })`. */
  index(): Uint8Array {
    const { core, headerBytes, info } = this.#state;
    return encodeIndex({
      headerBytes,
      toc: core.toc.bytes,
      offset: info.offset,
      size: info.objectSize,
      version: info.version,
    });
  }

  /** Closes the source. Later reads reject with `closed`. */
  async close(): Promise<void> {
    for (let state: OpenState | undefined = this.#state; state; state = state.before) {
      const { shared } = state.core;
      if (shared.closed) return;
      shared.closed = true;
      await shared.source.close?.();
    }
  }

  /** For the writer, which repacks archives. */
  "~location"(): Location {
    const { core } = this.#state;
    // Before the rest is there, the writer cannot do with it what it wants: as if it were to be opened, which loads it.
    return core.shared.rest ? rootOf(core) : { kind: "node", core, node: { kind: "archive", offset: SELF } };
  }

  /** Follows a path and does something there. */
  async #at<T>(path: Path | undefined, options: ReadOptions | undefined, work: Work<T>): Promise<T> {
    const segments = this.#segments(path, options);
    return this.#fresh((core) => lookUp(core, segments, options, (at) => work(at, core)));
  }

  #segments(path: Path | undefined, options: ReadOptions | undefined): readonly PathSegment[] {
    const segments = parsePath(path);
    options?.signal?.throwIfAborted();
    return segments;
  }

  /** Does something with the archive, and once more after the object has changed, where that is wanted. */
  async #fresh<T>(work: (core: ArchiveCore) => Promise<T>): Promise<T> {
    const state = this.#state;
    try {
      state.core.assertOpen();
      return await work(state.core);
    } catch (error) {
      if (!this.#reopen) throw error;
      const now = await this.#reopen(error, state, this.#state);
      this.#state = now;
      // It may have been closed meanwhile.
      if (state.core.shared.closed) await this.close();
      state.core.assertOpen();
      return work(now.core);
    }
  }

  /** Does something with the archive that takes the rest of the reader. */
  #rest<T>(work: (core: ArchiveCore, rest: Rest) => Promise<T>): Promise<T> {
    return this.#fresh(async (core) => work(core, await core.complete()));
  }

  /** Items of which the first may need the archive to be opened anew; what follows is of the same state. */
  #sequence<T>(start: (core: ArchiveCore, rest: Rest) => AsyncIterable<T>): Sequence<T> {
    const begin = (): Promise<readonly [AsyncIterator<T>, IteratorResult<T>]> =>
      this.#rest(async (core, rest) => {
        const items = start(core, rest)[Symbol.asyncIterator]();
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

type Work<T> = (at: Location, core: ArchiveCore) => Promise<T>;

/** Everything at a location, as plain data. */
async function valueAt(at: Location, core: ArchiveCore, options?: ReadOptions): Promise<Value> {
  if (at.kind === "plain") return at.value;
  // What has a span of its own is read in one piece.
  return at.kind === "node" && "span" in at.node && at.node.span
    ? at.core.value(at.node.span, options)
    : (core.shared.rest ?? (await core.complete())).materialize(at, options);
}

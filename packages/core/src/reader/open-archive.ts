import type { Codec, MapStyle } from "../codec/codec.js";
import { checkCounts } from "../counts.js";
import { isPeekpackError } from "../errors.js";
import { decodeHeader, HEADER_SIZE } from "../format/header.js";
import { type Limits, resolveLimits } from "../limits.js";
import { loadFeature } from "../load-feature.js";
import { ByteLru } from "../lru.js";
import { AbortListeners } from "../source/abort-listeners.js";
import { httpSource } from "../source/http-source.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";
import { isReadEngine, type ReadEngineOptions, readEngine } from "../source/read-engine.js";
import { Archive, type OpenState, type Reopen } from "./archive.js";
import type { ReadPiece } from "./archive-extent.js";
import { type Opened, readTable } from "./archive-parts.js";
import { ArchiveReader } from "./archive-reader.js";
import type { Lifetime, ReaderContext } from "./context.js";
import type { KeptIndex } from "./kept-index.js";
import { isBranch } from "./lookup.js";
import type { Untyped } from "./schema.js";

/** How much of the end is read in any case: the root block of a page index is no longer. */
const SHORT_TAIL = 32 * 1024;
/** A page index is at least as long as its footer. */
const MIN_INDEX_BYTES = 64;

/** What an archive can be opened from. Texts and URLs are read over HTTP. */
export type ArchiveSource = RangeSource | Uint8Array | ArrayBuffer | Blob | URL | string;

/** How an archive is opened and read. Everything has a default. Sizes in bytes. */
export interface OpenOptions extends Omit<ReadEngineOptions, "size"> {
  /** Where the archive starts in its object. Default 0. */
  readonly offset?: number | undefined;
  /** Size of the archive, or of its room from `offset` on, if the caller knows it. It saves asking for the size. */
  readonly size?: number | undefined;
  /** What `archive.index()` gave: opens without a request. Every read must be of the version that it names. */
  readonly index?: Uint8Array | undefined;
  /** A page index that is an object of its own beside the archive. */
  readonly pageIndex?: ArchiveSource | undefined;
  /** How much of the start is read at first. Default 16 KiB. */
  readonly headBytes?: number | undefined;
  /** How much of the end is read together with it, at most: it may hold the table. Default 512 KiB. 0: none. */
  readonly tailBytes?: number | undefined;
  /**
   * Memory for what lookups learn of tables, for pages of tables, and for child archives that are open. One budget for
   * the archive and all archives inside it. Default 32 MiB.
   */
  readonly tocCacheBytes?: number | undefined;
  /** Bounds on what the archive may make its reader do. */
  readonly limits?: Partial<Limits> | undefined;
  /** "object" (default): maps are plain objects, and Map if a key is not a text. "map": always Map. */
  readonly maps?: MapStyle | undefined;
  /** Whether byte strings that are pickled numpy arrays become `NdArray`s. Default true. Nothing is executed. */
  readonly numpy?: boolean | undefined;
  /** Decodes values, in archives of its protocol. */
  readonly codec?: Codec | undefined;
  /** "error" (default): a changed object rejects with `changed`. "reopen": it is reopened, once for each change, and read again. */
  readonly onChange?: "error" | "reopen" | undefined;
  /** Aborts the opening. Reads have signals of their own. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens an archive: reads its header, and its table of contents or the root of its page index. Nothing else is read.
 *
 * From a remote source that takes one round trip if the table, or the root of the index, lies within the last bytes;
 * two otherwise; none with an `index`. Bytes are not copied: they must not change while the archive is open.
 *
 * @example
 * const archive = await openArchive("https://example.org/data.msglc");
 * const energy = await archive.read("entries/0/energy");
 *
 * @throws PeekpackError `not-an-archive`, `unfinished`, `truncated`, `corrupt`, `limit`, and what the source rejects with
 * @throws TypeError if the source is none of these, or a codec is for another protocol; RangeError for a bad number
 */
export async function openArchive<S = Untyped>(
  source: ArchiveSource,
  options: OpenOptions = {},
): Promise<Archive<S>> {
  const { signal, index, size, offset } = options;
  signal?.throwIfAborted();
  const kept = index && (await keptIndexFeature()).decodeIndex(index);
  // The size of the object is known only if the archive starts at its first byte.
  const objectSize = kept ? kept.size : offset ? undefined : size;
  const engine = await engineOf(source, { ...options, size: objectSize });
  const lifetime: Lifetime = { closed: false };
  if (options.onChange !== "reopen" || !engine.reopen) {
    return new Archive<S>(await open(engine, options, lifetime, kept));
  }
  // A changed object may have another size. Where the archive starts stays as it is.
  const again: OpenOptions = {
    ...options,
    offset: kept?.offset ?? offset,
    size: undefined,
    signal: undefined,
  };
  const reopen = (from: RangeSource): Promise<OpenState> => open(from.reopen!(), again, lifetime);
  const state = await open(engine, options, lifetime, kept).catch((error: unknown) => {
    // The object may have changed between two requests, or since its index was kept.
    if (!isChange(error)) throw error;
    return reopen(engine);
  });
  return new Archive<S>(
    state,
    sharedReopen(({ reader }) => reopen(reader.context.source)),
  );
}

/** Loads the code that opens archives by kept indexes. @throws PeekpackError `network` */
function keptIndexFeature(): Promise<typeof import("./open-kept.js")> {
  return loadFeature("kept indexes", () => import("./open-kept.js"));
}

/** The engine of a source. A source that is an engine already stays as it is. */
async function engineOf(source: ArchiveSource, options: ReadEngineOptions): Promise<RangeSource> {
  const given = await asSource(source);
  return isReadEngine(given) ? given : readEngine(given, options);
}

/**
 * A RangeSource for whatever the caller has.
 * @throws TypeError if an archive cannot be opened from it
 * @throws PeekpackError `network` if the code for bytes and Blobs cannot be loaded
 */
export async function asSource(source: ArchiveSource): Promise<RangeSource> {
  if (typeof source === "string" || source instanceof URL) return httpSource(source);
  if (typeof source === "object" && source !== null && "probe" in source && "read" in source) return source;
  const local = await loadFeature("bytes and Blobs", () => import("../source/local-source.js"));
  return local.localSource(source);
}

/** Makes a {@link Reopen} that all reads share: those that met the same change wait for one reopening. */
function sharedReopen(reopen: (failed: OpenState) => Promise<OpenState>): Reopen {
  let opening: Promise<OpenState> | undefined;
  return async (error, failed, current) => {
    if (!isChange(error)) throw error;
    if (current !== failed) return current;
    opening ??= reopen(failed).finally(() => {
      opening = undefined;
    });
    return opening;
  };
}

/** Whether an error says that the object is no longer the one first seen. */
function isChange(error: unknown): boolean {
  return isPeekpackError(error) && error.code === "changed";
}

async function open(
  source: RangeSource,
  options: OpenOptions,
  lifetime: Lifetime,
  kept?: KeptIndex,
): Promise<OpenState> {
  const { codec, maps = "object", numpy = true } = options;
  const counts = checkedCounts(options);
  const context: ReaderContext = {
    source,
    limits: resolveLimits(options.limits),
    maps,
    numpy,
    codec,
    decoders: new Map(),
    memory: new ByteLru(counts.tocCacheBytes),
    abortListeners: new AbortListeners(),
    lifetime,
  };
  const sidecar = options.pageIndex === undefined ? undefined : await engineOf(options.pageIndex, options);
  const { parts, headerBytes, size, version } = kept
    ? await (await keptIndexFeature()).openKept(source, kept, sidecar, options)
    : await openFresh(context, options, sidecar, counts);
  const { protocol, tocStart, tocSize } = parts.header;
  if (codec && codec.protocol !== protocol) {
    throw new TypeError(`The codec given is for ${codec.protocol}; the archive is ${protocol}.`);
  }
  const reader = await ArchiveReader.create(context, parts);
  const root = reader.table.root();
  const combined = isBranch(root) && root.span === undefined;
  return {
    reader,
    headerBytes,
    info: {
      codec: protocol,
      kind: combined ? `combined-${root.kind}` : root.kind === "archive" ? "value" : root.kind,
      size: reader.size,
      dataBytes: tocStart,
      tocBytes: tocSize,
      pageIndex: parts.pageIndex,
      offset: parts.start,
      objectSize: size,
      version,
      label: source.label,
    },
  };
}

/** Opens by reading the archive's start and end. */
async function openFresh(
  context: ReaderContext,
  options: OpenOptions,
  sidecar: RangeSource | undefined,
  counts: Counts,
): Promise<Opened> {
  const { source, limits } = context;
  const { offset } = counts;
  const reading: ReadOptions = { signal: options.signal, reason: "open" };
  const { pieces, end, size, version } = await firstContact(source, options, counts, reading);
  const headerBytes = pieces[0]!.bytes.slice(0, HEADER_SIZE);
  const header = decodeHeader(headerBytes, end === undefined ? undefined : end - offset, offset);
  const found = { header, start: offset, end, pieces };
  const parts = await readTable(source, found, {
    limits,
    cacheBytes: counts.tocCacheBytes,
    sidecar,
    reading,
  });
  return { parts, headerBytes, size, version };
}

/** Reads the start of an archive, and its end if that is known. */
async function firstContact(
  source: RangeSource,
  { size: room }: OpenOptions,
  { offset, head, tail }: Counts,
  reading: ReadOptions,
): Promise<{
  /** The first begins with the archive. */
  readonly pieces: readonly ReadPiece[];
  readonly end: number | undefined;
  readonly size: number | undefined;
  readonly version: string | undefined;
}> {
  if (offset === 0) {
    // A short tail is enough for a page index, and for a short table. A longer table is worth a longer tail.
    const want = {
      head,
      tail: Math.min(tail, SHORT_TAIL),
      longTail: { bytes: tail, wanted: wantedTail(tail) },
    };
    const { size, version, head: first, tail: last } = await source.probe(want, reading);
    const pieces = [
      { start: 0, bytes: first },
      { start: size - last.length, bytes: last },
    ];
    return { pieces, end: Math.min(size, room ?? size), size, version };
  }
  const ranges = [{ start: offset, end: offset + HEADER_SIZE }];
  const end = room === undefined ? undefined : offset + room;
  if (end !== undefined) {
    ranges[0]!.end = Math.min(offset + head, end);
    ranges.push({ start: Math.max(offset, end - tail), end });
  }
  const read = await source.read(ranges, reading);
  const pieces = read.map((bytes, i) => ({ start: ranges[i]!.start, bytes }));
  return { pieces, end, size: undefined, version: undefined };
}

/**
 * How many of the last bytes are worth reading: all of a small object, or the table of contents. None if that is longer
 * than `max`, or than an eighth of it if something follows the table, which may be a page index.
 */
function wantedTail(max: number): (head: Uint8Array, size: number) => number {
  return (head, size) => {
    try {
      const { tocStart, tocSize } = decodeHeader(head, size);
      // The table, and what follows it.
      const rest = size - HEADER_SIZE - tocStart;
      // A small object comes whole. Through a page index a value takes less than most of what is small otherwise.
      const wanted = size <= head.length + max ? size - head.length : rest;
      return wanted <= (rest - tocSize < MIN_INDEX_BYTES ? max : max / 8) ? wanted : 0;
    } catch {
      // Opening says what is wrong with the header.
      return 0;
    }
  };
}

interface Counts {
  readonly tocCacheBytes: number;
  readonly offset: number;
  readonly head: number;
  readonly tail: number;
}

/** The numbers among the options. @throws RangeError if one is not a number of bytes */
function checkedCounts(options: OpenOptions): Counts {
  const { tocCacheBytes = 32 * 1024 * 1024, offset = 0, size = 0 } = options;
  const { headBytes = 16 * 1024, tailBytes = 512 * 1024 } = options;
  const given = { tocCacheBytes, offset, size, headBytes, tailBytes };
  checkCounts(given);
  return { tocCacheBytes, offset, head: Math.max(headBytes, HEADER_SIZE), tail: tailBytes };
}

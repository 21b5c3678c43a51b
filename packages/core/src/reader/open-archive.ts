import type { Codec, MapStyle } from "../codec/codec.js";
import { HEADER_SIZE, soundHeader } from "../format/sound-header.js";
import { httpSource } from "../source/http-source.js";
import { localSource } from "../source/local-source.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";
import { isReadEngine, type ReadEngineOptions, readEngine } from "../source/read-engine.js";
import { Archive, type ArchiveInfo, type OpenState } from "./archive.js";
import { ArchiveCore, type Shared, tocTooLarge } from "./archive-core.js";
import type { KeptIndex } from "./kept-index.js";
import { DEFAULT_LIMITS, type Limits } from "./limits.js";
import { loadRest } from "./load-rest.js";
import type { Untyped } from "./schema.js";

/** What an archive can be opened from. Texts and URLs are read over HTTP. */
export type ArchiveSource = RangeSource | Uint8Array | ArrayBuffer | Blob | URL | string;

/** How an archive is opened and read. Everything has a default. Sizes in bytes. */
export interface OpenOptions extends Omit<ReadEngineOptions, "size"> {
  /** Where the archive starts in its object. Default 0. */
  readonly offset?: number | undefined;
  /** How many bytes there are from `offset` on, where the caller knows it: saves asking for the size. */
  readonly size?: number | undefined;
  /** What `archive.index()` gave: opens without a request. Reads are held to the version that it names. */
  readonly index?: Uint8Array | undefined;
  /** How much of the start is read at first contact. Default 16 KiB. */
  readonly headBytes?: number | undefined;
  /** How much of the end is read together with it, in the hope that it holds the table. Default 512 KiB. 0: none. */
  readonly tailBytes?: number | undefined;
  /** Memory for what look-ups learn about the table of contents, and for the tables of archives inside. Default 32 MiB. */
  readonly tocCacheBytes?: number | undefined;
  /** Bounds on what the archive may ask of its reader. */
  readonly limits?: Partial<Limits> | undefined;
  /** "object" (default): maps are plain objects, and Map where a key is not a text. "map": always Map. */
  readonly maps?: MapStyle | undefined;
  /** Whether byte strings that are pickled numpy arrays become {@link NdArray}s. Default true. Nothing is ever executed. */
  readonly numpy?: boolean | undefined;
  /** Takes over the decoding of values, for archives of its protocol. */
  readonly codec?: Codec | undefined;
  /** "error" (default): a changed object rejects with `changed`. "reopen": it is opened anew, once for each change, and read again. */
  readonly onChange?: "error" | "reopen" | undefined;
  /** Ends the opening. Reads have signals of their own. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens an archive: reads its header and its table of contents, and nothing else.
 *
 * From a remote source that takes one round trip where the table lies within the last `tailBytes`, two otherwise, and
 * none with an `index`. Bytes are not copied: they must not change while the archive is open.
 *
 * @example
 * const archive = await openArchive("https://example.org/data.msglc");
 * const energy = await archive.read("entries/0/energy");
 *
 * @throws PeekpackError `not-an-archive`, `unfinished`, `truncated`, `corrupt`, `limit`, and what the source rejects with
 * @throws TypeError when the source is none of these, or a codec is for another protocol; RangeError for a bad number
 */
export async function openArchive<S = Untyped>(
  source: ArchiveSource,
  options: OpenOptions = {},
): Promise<Archive<S>> {
  const { signal } = options;
  signal?.throwIfAborted();
  const given = await asSource(source);
  const { index, size, offset } = options;
  const kept = index && (await loadRest()).decodeIndex(index);
  const objectSize = kept ? kept.size : offset ? undefined : size;
  // A source that brings an engine of its own keeps it.
  const engine = isReadEngine(given) ? given : readEngine(given, { ...options, size: objectSize });
  if (options.onChange !== "reopen" || !engine.reopen) {
    return new Archive<S>(await openState(engine, options, kept));
  }
  const { isChange, reopening } = await loadRest();
  const reopen = (from: RangeSource, known: OpenOptions): Promise<OpenState> =>
    openState(from.reopen?.() ?? from, known);
  const state = await openState(engine, options, kept).catch((error: unknown) => {
    // The object may have been replaced between two requests, or since its index was kept.
    if (!isChange(error)) throw error;
    return reopen(engine, options);
  });
  return new Archive<S>(
    state,
    reopening((now) => reopen(now.core.shared.source, { ...options, signal: undefined })),
  );
}

/** A RangeSource for whatever the caller has. @throws TypeError when it is none of what an archive is opened from */
export async function asSource(source: ArchiveSource): Promise<RangeSource> {
  if (typeof source === "string" || source instanceof URL) return httpSource(source);
  if (typeof source === "object" && source !== null && "probe" in source && "read" in source) return source;
  return localSource(source);
}

/** Pieces of an object that were read at first contact, and what that has told of it. */
export interface Contact {
  /** The first begins with the archive. */
  readonly pieces: readonly { readonly start: number; readonly bytes: Uint8Array }[];
  readonly size?: number | undefined;
  readonly version?: string | undefined;
  /** How many bytes there are from the archive's start on, where that is known. */
  readonly room?: number | undefined;
}

async function openState(source: RangeSource, options: OpenOptions, kept?: KeptIndex): Promise<OpenState> {
  const { codec, signal, maps = "object", numpy = true } = options;
  const limits = options.limits ? (await loadRest()).resolveLimits(options.limits) : DEFAULT_LIMITS;
  const [tocCacheBytes, at, head, tail] = counts(options);
  const shared: Shared = {
    source,
    limits,
    maps,
    numpy,
    tocCacheBytes,
    codec,
    decoders: new Map(),
    closed: false,
  };
  let { header, headerBytes, toc, offset = at, size, version } = kept ?? ({} as Partial<KeptIndex>);
  if (kept) {
    source.pin?.({ size, version });
  } else {
    const want = { head: Math.max(head, HEADER_SIZE), tail };
    const reading: ReadOptions = { signal, reason: "open" };
    const contact = offset
      ? await (await loadRest()).contactAt(source, offset, { ...want, size: options.size }, reading)
      : await firstContact(source, want, options.size, reading);
    ({ size, version } = contact);
    headerBytes = contact.pieces[0]!.bytes.slice(0, HEADER_SIZE);
    header =
      soundHeader(headerBytes, contact.room) ??
      (await loadRest()).decodeHeader(headerBytes, contact.room, offset);
    const { tocSize } = header;
    if (tocSize > limits.maxTocBytes) throw tocTooLarge(tocSize);
    const start = offset + HEADER_SIZE + header.tocStart;
    const end = start + tocSize;
    const piece = contact.pieces.find(
      ({ start: from, bytes }) => from <= start && end <= from + bytes.length,
    );
    toc = piece
      ? trimmed(piece.bytes, start - piece.start, end - piece.start)
      : (await source.read([{ start, end }], { signal, reason: "toc" }))[0]!;
  }
  const { protocol, tocStart, tocSize } = header!;
  if (codec) (await loadRest()).checkCodec(codec, protocol);
  const core = await ArchiveCore.create(shared, header!, toc!, offset, 0);
  const root = core.toc.root();
  const combined = "children" in root && !root.span;
  // Nothing can be read of these without.
  if (combined || root.kind === "blocked") await core.complete();
  const info: ArchiveInfo = {
    codec: protocol,
    kind: combined ? `combined-${root.kind}` : root.kind === "archive" ? "value" : root.kind,
    size: core.size,
    dataBytes: tocStart,
    tocBytes: tocSize,
    offset,
    objectSize: size,
    version,
    label: source.label,
  };
  return { core, info, headerBytes: headerBytes! };
}

async function firstContact(
  source: RangeSource,
  want: { readonly head: number; readonly tail: number },
  most: number | undefined,
  reading: ReadOptions,
): Promise<Contact> {
  const { size, version, head, tail } = await source.probe(want, reading);
  return {
    pieces: [
      { start: 0, bytes: head },
      { start: size - tail.length, bytes: tail },
    ],
    size,
    version,
    room: Math.min(size, most ?? size),
  };
}

/** Some of the bytes: a view where it is most of them or where nothing was read, else a copy that lets the rest go. */
function trimmed(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return (end - start) * 2 >= bytes.length ? bytes.subarray(start, end) : bytes.slice(start, end);
}

/** The numbers among the options. @throws RangeError where one is no number of bytes */
function counts(options: OpenOptions): [toc: number, offset: number, head: number, tail: number] {
  const { tocCacheBytes = 32 * 1024 * 1024, offset = 0, size = 0 } = options;
  const { headBytes = 16 * 1024, tailBytes = 512 * 1024 } = options;
  const given = { tocCacheBytes, offset, size, headBytes, tailBytes };
  for (const [name, value] of Object.entries(given)) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${name} is an integer of at least 0.`);
  }
  return [tocCacheBytes, offset, headBytes, tailBytes];
}

import type { Codec, MapStyle } from "../codec/codec.js";
import { isPeekpackError } from "../errors.js";
import { decodeHeader, HEADER_SIZE, type Header } from "../format/header.js";
import { httpSource } from "../source/http-source.js";
import { seldom } from "../source/load-seldom.js";
import type { RangeSource, ReadOptions } from "../source/range-source.js";
import { type ReadEngineOptions, readEngine } from "../source/read-engine.js";
import { Archive, type ArchiveInfo, type OpenState } from "./archive.js";
import { ArchiveCore, type Shared, tocTooLarge } from "./archive-core.js";
import { decodeIndex } from "./kept-index.js";
import { type Limits, resolveLimits } from "./limits.js";
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
  // A source that brings an engine of its own keeps it.
  const engine = "stats" in given ? given : readEngine(given, { ...options, size: objectSize(options) });
  const reopen = async (from: RangeSource, known: OpenOptions): Promise<OpenState> =>
    openState(from.reopen?.() ?? from, { ...known, index: undefined });
  const mayReopen = options.onChange === "reopen" && engine.reopen !== undefined;
  let state: OpenState;
  try {
    state = await openState(engine, options);
  } catch (error) {
    // The object may have been replaced between two requests, or since its index was kept.
    if (!mayReopen || !isPeekpackError(error) || error.code !== "changed") throw error;
    state = await reopen(engine, options);
  }
  return new Archive<S>(
    state,
    mayReopen ? (now) => reopen(now.core.shared.source, { ...options, signal: undefined }) : undefined,
  );
}

function objectSize({ offset = 0, size, index }: OpenOptions): number | undefined {
  if (index !== undefined) return decodeIndex(index).size;
  return size === undefined || offset > 0 ? undefined : size;
}

/** A RangeSource for whatever the caller has. @throws TypeError when it is none of what an archive is opened from */
export async function asSource(source: ArchiveSource): Promise<RangeSource> {
  if (typeof source === "string" || source instanceof URL) return httpSource(source);
  const bytes = source instanceof Uint8Array || source instanceof ArrayBuffer;
  if (bytes || (typeof Blob !== "undefined" && source instanceof Blob)) {
    const { blobSource, bytesSource } = await seldom();
    return bytes ? bytesSource(source) : blobSource(source);
  }
  if (typeof source === "object" && source !== null && "probe" in source && "read" in source) return source;
  throw new TypeError(
    "An archive is opened from a RangeSource, a Uint8Array, an ArrayBuffer, a Blob, a URL or a text that is one.",
  );
}

async function openState(source: RangeSource, options: OpenOptions): Promise<OpenState> {
  const limits = resolveLimits(options.limits);
  const { codec } = options;
  const shared: Shared = {
    source,
    limits,
    maps: options.maps ?? "object",
    numpy: options.numpy ?? true,
    tocCacheBytes: count("tocCacheBytes", options.tocCacheBytes, 32 * 1024 * 1024),
    codec: options.codec,
    decoders: new Map(),
    closed: false,
  };
  const offset = count("offset", options.offset, 0);
  count("size", options.size, 0);
  let first: FirstContact;
  if (options.index !== undefined) {
    const kept = decodeIndex(options.index);
    source.hold?.({ size: kept.size, version: kept.version });
    first = { ...kept, objectSize: kept.size };
  } else {
    first = await firstContact(source, offset, limits, options);
  }
  const { header, toc } = first;
  if (codec !== undefined) {
    if (codec.protocol !== header.protocol) {
      throw new TypeError(`The codec given is for ${codec.protocol}; the archive is ${header.protocol}.`);
    }
  }
  const core = await ArchiveCore.create(shared, header, toc, first.offset, 0);
  const root = core.toc.root();
  const info: ArchiveInfo = {
    codec: header.protocol,
    kind:
      root.kind === "map" || root.kind === "list"
        ? root.span === undefined
          ? `combined-${root.kind}`
          : root.kind
        : root.kind === "archive"
          ? "value"
          : root.kind,
    size: core.size,
    dataBytes: header.tocStart,
    tocBytes: header.tocSize,
    offset: first.offset,
    objectSize: first.objectSize,
    version: first.version,
    label: source.label,
  };
  return { core, info, headerBytes: first.headerBytes };
}

interface FirstContact {
  readonly header: Header;
  readonly headerBytes: Uint8Array;
  readonly toc: Uint8Array;
  readonly offset: number;
  readonly objectSize: number | undefined;
  readonly version: string | undefined;
}

async function firstContact(
  source: RangeSource,
  offset: number,
  limits: Limits,
  options: OpenOptions,
): Promise<FirstContact> {
  const head = Math.max(count("headBytes", options.headBytes, 16 * 1024), HEADER_SIZE);
  const tail = count("tailBytes", options.tailBytes, 512 * 1024);
  const { signal } = options;
  const reading: ReadOptions = { signal, reason: "open" };
  /** Pieces of the object that were read, by where they start. */
  const pieces: { start: number; bytes: Uint8Array }[] = [];
  let objectSize: number | undefined;
  let version: string | undefined;
  let room: number | undefined;
  if (offset === 0) {
    const probe = await source.probe({ head, tail }, reading);
    objectSize = probe.size;
    version = probe.version;
    room = Math.min(probe.size, options.size ?? probe.size);
    pieces.push(
      { start: 0, bytes: probe.head },
      { start: probe.size - probe.tail.length, bytes: probe.tail },
    );
  } else {
    room = options.size;
    const end = room === undefined ? undefined : offset + room;
    const ranges =
      end === undefined
        ? [{ start: offset, end: offset + HEADER_SIZE }]
        : [
            { start: offset, end: Math.min(offset + head, end) },
            { start: Math.max(offset, end - tail), end },
          ];
    const read = await source.read(ranges, reading);
    for (const [i, bytes] of read.entries()) pieces.push({ start: ranges[i]!.start, bytes });
  }
  const headerBytes = pieces[0]!.bytes.slice(0, HEADER_SIZE);
  const header = decodeHeader(headerBytes, room, offset);
  if (header.tocSize > limits.maxTocBytes) throw tocTooLarge(header.tocSize);
  const start = offset + HEADER_SIZE + header.tocStart;
  const end = start + header.tocSize;
  const piece = pieces.find(({ start: from, bytes }) => from <= start && end <= from + bytes.length);
  const toc =
    piece === undefined
      ? (await source.read([{ start, end }], { signal, reason: "toc" }))[0]!
      : trimmed(piece.bytes, start - piece.start, end - piece.start);
  return { header, headerBytes, toc, offset, objectSize, version };
}

/** Some of the bytes: a view where it is most of them or where nothing was read, else a copy that lets the rest go. */
function trimmed(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return (end - start) * 2 >= bytes.length ? bytes.subarray(start, end) : bytes.slice(start, end);
}

function count(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} is an integer of at least 0.`);
  return value;
}

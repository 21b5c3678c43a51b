import {
  type ByteRange,
  type ErrorCode,
  HEADER_SIZE,
  isPeekpackError,
  PeekpackError,
  type RangeSource,
  type ReadEngine,
  type ReadEngineOptions,
  type ReadOptions,
  readEngine,
} from "@peekpack/core";
import {
  AbortListeners,
  asReadEngine,
  ByteLru,
  changed,
  checkRanges,
  closedSource,
  isReadEngine,
  TimeSlice,
} from "@peekpack/core/internal";
import { loadChecksum } from "./checksum.js";
import { type Decompressor, loadDecompressor } from "./decompressor.js";
import { decodeFrameHeader, isZstd } from "./frame-header.js";
import { type Frame, FrameTable, type ReadRange } from "./frame-table.js";
import { decodeFooter, MAX_FRAME_BYTES } from "./seek-table.js";
import { uint32 } from "./uint32.js";
import type { Checksum } from "./xxh64.js";

const MiB = 1024 * 1024;
/** How much of the start of the file is read at first: the header, and the first frame unless it hardly compresses. */
const HEAD_BYTES = 2048;
/** How much of the end of the file is read with it: the table of frames, and the last frames. */
const TAIL_BYTES = 20 * 1024;
/** How much of the end of the content a probe gives in any case. What is asked for beyond it is given if its frames came with the table. */
const SURE_TAIL_BYTES = 8 * 1024;
/** Windows up to this size are accepted in any case, as RFC 8878 recommends. */
const MIN_WINDOW_LIMIT = 8 * MiB;
/** Frames that follow each other are requested together up to this size. */
const RUN_BYTES = 8 * MiB;

/** Options of {@link zstdSource}. Everything has a default. Those of the read engine apply to the compressed bytes. */
export interface ZstdSourceOptions extends Omit<ReadEngineOptions, "size"> {
  /**
   * Cache budget in bytes: three quarters for decoded frames, one quarter for compressed bytes. If `source` is a read engine, which has a
   * cache of its own, all of it is for decoded frames. 0: nothing is kept. Default 32 MiB.
   */
  readonly cacheBytes?: number | undefined;
  /**
   * Maximum size of a frame's content in bytes. A value costs the decoding of whole frames. Reading a larger one rejects with `limit`. Default
   * 64 MiB, at most 1 GiB.
   */
  readonly maxFrameBytes?: number | undefined;
  /**
   * Maximum size of a table of frames that must be read whole, in bytes. Long tables that `zstdSink` wrote are read by pages. Default
   * 16 MiB.
   */
  readonly maxTableBytes?: number | undefined;
  /** Whether the checksums of frames are verified, if there are any. Default true. */
  readonly checksum?: boolean | undefined;
}

/**
 * Reads the content of an object in the Zstandard seekable format. Ranges are those of the content; only the frames that contain them are
 * fetched and decoded. A decoded frame is kept within the budget.
 *
 * The result is a read engine: `openArchive` puts no other around it. Requests are coalesced, retried and cached below it, in
 * compressed bytes, by the options given here.
 *
 * @example
 * const archive = await openArchive(zstdSource(httpSource("https://example.org/data.msglc.zst")));
 *
 * Its methods reject with PeekpackError `not-an-archive` if the object is not in the format; `corrupt` if a frame or the table of
 * frames is damaged; `limit`; and with what `source` rejects with.
 * @throws RangeError if a number is out of range
 */
export function zstdSource(source: RangeSource, options: ZstdSourceOptions = {}): ReadEngine {
  const resolved = resolve(options);
  if (isReadEngine(source)) return framedEngine(source, resolved);
  const { cacheBytes } = resolved;
  const engine = readEngine(source, { ...options, cacheBytes: cacheBytes / 4 });
  const decoded = { ...resolved, cacheBytes: source.local ? cacheBytes : (cacheBytes / 4) * 3 };
  return framedEngine(engine, decoded);
}

/** Registered, so that two copies of this package recognize each other's sources. */
const brand: unique symbol = Symbol.for("peekpack.zstdSource");

/** The compressed object below a source that `zstdSource` has made. */
export interface FramedObject {
  /** Reads the object. */
  readonly object: RangeSource;
  /** The table of frames, and the size of the object. Reads them once. */
  open(options: ReadOptions): Promise<{ readonly table: FrameTable; readonly objectSize: number }>;
}

/** The compressed object below a source. Undefined unless `zstdSource` has made the source. */
export function framedObject(source: RangeSource): FramedObject | undefined {
  return (source as { readonly [brand]?: FramedObject })[brand];
}

function framedEngine(engine: ReadEngine, options: ResolvedOptions): ReadEngine {
  const source = frameSource(engine, options);
  return Object.assign(asReadEngine(source, engine.stats), {
    [brand]: { object: engine, open: source.open } satisfies FramedObject,
  });
}

interface ResolvedOptions {
  /** Budget for decoded frames. */
  readonly cacheBytes: number;
  readonly maxFrameBytes: number;
  readonly maxTableBytes: number;
  readonly checksum: boolean;
}

/** @throws RangeError */
function resolve(options: ZstdSourceOptions): ResolvedOptions {
  const {
    cacheBytes = 32 * MiB,
    maxFrameBytes = 64 * MiB,
    maxTableBytes = 16 * MiB,
    checksum = true,
  } = options;
  for (const [name, value] of Object.entries({ cacheBytes, maxFrameBytes, maxTableBytes })) {
    if (!(Number.isSafeInteger(value) && value >= 0))
      throw new RangeError(`${name} is an integer of at least 0.`);
  }
  if (maxFrameBytes > MAX_FRAME_BYTES) throw new RangeError("maxFrameBytes is at most 1 GiB.");
  return { cacheBytes, maxFrameBytes, maxTableBytes, checksum };
}

/** What is known after the first contact. */
interface Opened {
  readonly table: FrameTable;
  readonly objectSize: number;
  readonly version: string | undefined;
  readonly decompress: Decompressor;
  readonly checksum: Checksum | undefined;
}

/** The content of `source`, which plans and caches reads of compressed bytes. */
function frameSource(
  source: RangeSource,
  options: ResolvedOptions,
): RangeSource & Pick<FramedObject, "open"> {
  // Not the label of the compressed bytes: a cache, or a copy on a server, would take these for the content.
  const label = `zstd:${source.label}`;
  const { cacheBytes, maxFrameBytes, maxTableBytes } = options;
  const listeners = new AbortListeners();
  /** Decoded frames, by the offset of their content. */
  const cache = new ByteLru<number, Uint8Array>(cacheBytes);
  /** Frames that a decoder is at work on. */
  const decoding = new Map<number, Promise<Uint8Array>>();
  let opened: Opened | undefined;
  let opening: Promise<Opened> | undefined;
  let pinnedSize: number | undefined;
  let closed = false;

  const assertOpen = ({ signal }: ReadOptions): void => {
    signal?.throwIfAborted();
    if (closed) throw closedSource(label);
  };

  const open = async (read: ReadOptions): Promise<Opened> => {
    const reading: ReadOptions = { ...read, signal: undefined, reason: "open" };
    const code = loadDecompressor();
    const checksum = options.checksum ? loadChecksum() : undefined;
    // A failure of the probe is the one to report.
    void Promise.allSettled([code, checksum]);
    const { size, version, head, tail } = await source.probe({ head: HEAD_BYTES, tail: TAIL_BYTES }, reading);
    if (!isZstd(head)) {
      const text = `${source.label}: this is not compressed by Zstandard.`;
      throw new PeekpackError("not-an-archive", text, { section: "source" });
    }
    const tailStart = size - tail.length;
    const extent = decodeFooter(tail, size, source.label);
    const table = await FrameTable.open(source.label, extent, maxTableBytes, async (start, end) =>
      start >= tailStart
        ? tail.subarray(start - tailStart, end - tailStart)
        : (await source.read([{ start, end }], reading))[0]!,
    );
    if (pinnedSize !== undefined && pinnedSize !== table.size) throw changed(label);
    return { table, objectSize: size, version, decompress: await code, checksum: await checksum };
  };

  /** Reads the table once. All callers share it. */
  const ready = async (read: ReadOptions): Promise<Opened> => {
    if (opened) return opened;
    opening ??= open(read)
      .then((result) => {
        opened = result;
        return result;
      })
      .finally(() => {
        opening = undefined;
      });
    const result = await listeners.untilAborted(opening, read.signal);
    assertOpen(read);
    return result;
  };

  const fail = (code: ErrorCode, { compressed }: Frame, what: string, cause?: unknown): PeekpackError =>
    new PeekpackError(code, `${source.label}: the frame at byte ${compressed.start} ${what}.`, {
      section: "source",
      offset: compressed.start,
      cause,
    });

  /** Refuses a frame before it is fetched. */
  const check = (frame: Frame): void => {
    const size = length(frame.content);
    if (size > maxFrameBytes) {
      throw fail("limit", frame, `holds ${size} bytes (limit maxFrameBytes)`);
    }
    if (length(frame.compressed) > 2 * size + 4096) {
      throw fail("corrupt", frame, "is much larger than its content");
    }
  };

  const decode = async (frame: Frame, bytes: Uint8Array, by: Opened): Promise<Uint8Array> => {
    const size = length(frame.content);
    try {
      const header = decodeFrameHeader(bytes);
      if ((header.contentSize ?? size) !== size) {
        throw fail("corrupt", frame, "declares another size than the table of frames");
      }
      if (header.windowSize > Math.max(maxFrameBytes, MIN_WINDOW_LIMIT)) {
        throw fail("limit", frame, `needs a window of ${header.windowSize} bytes (limit maxFrameBytes)`);
      }
      const decompressed = by.decompress(bytes, header, size);
      const content = decompressed instanceof Uint8Array ? decompressed : await decompressed;
      const expected = [frame.checksum, header.checksum ? uint32(bytes, bytes.length - 4) : undefined];
      const actual = by.checksum?.(content);
      if (actual !== undefined && expected.some((sum) => sum !== undefined && sum !== actual)) {
        throw fail("corrupt", frame, "does not have the content that its checksum says");
      }
      return content;
    } catch (error) {
      if (isPeekpackError(error) && error.offset !== undefined) throw error;
      const code = isPeekpackError(error) ? error.code : "corrupt";
      throw fail(code, frame, "does not decode", error);
    }
  };

  /** Decodes a frame, unless it is decoded already or another read does so. */
  const content = (frame: Frame, bytes: Uint8Array, by: Opened): Uint8Array | Promise<Uint8Array> => {
    const { start } = frame.content;
    const known = cache.get(start) ?? decoding.get(start);
    if (known) return known;
    const result = decode(frame, bytes, by)
      .then((decoded) => {
        if (!closed) cache.set(start, decoded, decoded.length);
        return decoded;
      })
      .finally(() => decoding.delete(start));
    decoding.set(start, result);
    return result;
  };

  /** Reads pages of the table. */
  const tableReader =
    (options: ReadOptions): ReadRange =>
    async (start, end) =>
      (await source.read([{ start, end }], { ...options, reason: "toc" }))[0]!;

  const read = async (ranges: readonly ByteRange[], options: ReadOptions): Promise<Uint8Array[]> => {
    checkRanges(label, ranges);
    const by = opened ?? (await ready(options));
    checkRanges(label, ranges, by.table.size);
    const found = ranges.map((range) => by.table.frames(range, tableReader(options)));
    const uses = new Map<number, { readonly frame: Frame; readonly ranges: number[] }>();
    for (const [i, frames] of (await Promise.all(found)).entries()) {
      for (const frame of frames) {
        const use = uses.get(frame.content.start);
        if (use) use.ranges.push(i);
        else uses.set(frame.content.start, { frame, ranges: [i] });
      }
    }
    const wanted = [...uses.values()].sort((a, b) => a.frame.content.start - b.frame.content.start);
    const cached = wanted.map(({ frame }) => cache.get(frame.content.start));
    const missing = wanted.filter((_, i) => !cached[i]).map(({ frame }) => frame);
    for (const frame of missing) check(frame);
    const runs = runsOf(missing);
    const arrived = runs.length > 0 ? await source.read(runs, options) : [];
    const out: Uint8Array[] = ranges.map(() => new Uint8Array(0));
    const slice = new TimeSlice();
    let run = 0;
    for (const [n, { frame, ranges: users }] of wanted.entries()) {
      let decoded = cached[n];
      if (!decoded) {
        await slice.next(options.signal);
        while (runs[run]!.end <= frame.compressed.start) run++;
        const { start, end } = frame.compressed;
        const at = runs[run]!.start;
        decoded = await content(frame, arrived[run]!.subarray(start - at, end - at), by);
      }
      for (const i of users) copyFrame(out, i, ranges[i]!, frame, decoded);
    }
    assertOpen(options);
    return out;
  };

  /** How much of the last `tail` bytes of the content came with the table of frames; {@link SURE_TAIL_BYTES} at least. */
  const tailAtHand = async (tail: number, options: ReadOptions): Promise<number> => {
    const { table, objectSize } = await ready(options);
    const { size } = table;
    const frames = await table.frames({ start: Math.max(0, size - tail), end: size }, tableReader(options));
    const first = frames.find(({ compressed }) => compressed.start >= objectSize - TAIL_BYTES);
    return Math.min(tail, Math.max(SURE_TAIL_BYTES, size - (first?.content.start ?? size)));
  };

  return {
    label,
    open: ready,
    local: source.local,
    limiter: source.limiter,
    async probe({ head, tail, longTail }, options = {}) {
      assertOpen(options);
      const reading: ReadOptions = { reason: "open", ...options };
      const { table, version } = await ready(reading);
      const { size } = table;
      // The header alone says how long a tail is wanted. It is here already, so that all else takes one round trip.
      const [header] = await read([{ start: 0, end: Math.min(size, HEADER_SIZE) }], reading);
      const longer = Math.min(longTail?.wanted(header!, size) ?? 0, longTail?.bytes ?? 0);
      const last = longer > tail ? longer : await tailAtHand(tail, reading);
      const [first, end] = await read(
        [
          { start: 0, end: Math.min(size, head) },
          { start: Math.max(0, size - last), end: size },
        ],
        reading,
      );
      return { size, ...(version === undefined ? {} : { version }), head: first!, tail: end! };
    },
    async read(ranges, options = {}) {
      assertOpen(options);
      return read(ranges, options);
    },
    ...(source.pin && {
      pin({ size, version }) {
        const known = opened?.table.size ?? pinnedSize;
        if (size !== undefined && known !== undefined && size !== known) throw changed(label);
        source.pin!({ version });
        pinnedSize = size ?? pinnedSize;
      },
    }),
    ...(source.reopen && {
      reopen() {
        const fresh = source.reopen!();
        cache.clear();
        return frameSource(fresh, options);
      },
    }),
    async close() {
      closed = true;
      cache.clear();
      await source.close?.();
    },
  };
}

const length = ({ start, end }: ByteRange): number => end - start;

/** Joins frames that follow each other in the file. */
function runsOf(frames: readonly Frame[]): ByteRange[] {
  const runs: { start: number; end: number }[] = [];
  for (const { compressed } of frames) {
    const last = runs.at(-1);
    if (last?.end === compressed.start && compressed.end - last.start <= RUN_BYTES) last.end = compressed.end;
    else runs.push({ ...compressed });
  }
  return runs;
}

/** Puts what a frame has of a range into the range's array. A range within one frame is a view of the frame. */
function copyFrame(
  out: Uint8Array[],
  i: number,
  range: ByteRange,
  { content }: Frame,
  decoded: Uint8Array,
): void {
  const from = Math.max(range.start, content.start);
  const part = decoded.subarray(from - content.start, range.end - content.start);
  if (part.length === length(range)) {
    out[i] = part;
    return;
  }
  if (out[i]!.length === 0) out[i] = new Uint8Array(length(range));
  out[i]!.set(part, from - range.start);
}

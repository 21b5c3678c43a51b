import { PeekpackError } from "../errors.js";
import type { Item } from "../format/cursor.js";
import type { Protocol } from "../format/header.js";
import type { BlockList } from "../format/table-view.js";
import type { ByteRange, ReadOptions } from "../source/range-source.js";
import type { ArchiveReader } from "./archive-reader.js";
import { blockOf } from "./ascending.js";
import { blockItems } from "./blocks.js";
import { assertOpen } from "./context.js";
import { resolveListSegment } from "./list-selection.js";
import { follow, isBranch, type NodeLocation, rootOf, showPath } from "./lookup.js";
import { type PathSegment, Slice } from "./path.js";
import { sameKey } from "./same-key.js";

/** Bytes that are handed out at a time. */
const CHUNK = 1024 * 1024;

/** The encoded bytes of a value: a prefix that is made anew, and the range of the rest in the source. */
interface RawBytes {
  readonly prefix: Uint8Array;
  readonly range: ByteRange;
}

const NOTHING = new Uint8Array(0);

/** What a stream of raw bytes takes its chunks from. */
export interface RawSource {
  pull(stream: ReadableStreamDefaultController<Uint8Array>): Promise<void>;
  cancel(reason: unknown): void;
}

/**
 * The source of a stream of the encoded bytes at a path.
 * @param sequence starts to read
 */
export function rawSource(
  segments: readonly PathSegment[],
  options: ReadOptions | undefined,
  sequence: (
    inner: ReadOptions,
    start: (archive: ArchiveReader) => AsyncIterable<Uint8Array>,
  ) => AsyncIterable<Uint8Array>,
): RawSource {
  const outer = options?.signal;
  const controller = new AbortController();
  const abort = (): void => controller.abort(outer?.reason);
  if (outer?.aborted) abort();
  outer?.addEventListener("abort", abort, { once: true });
  const detach = (): void => outer?.removeEventListener("abort", abort);
  const inner = { ...options, signal: controller.signal };
  const chunks = sequence(inner, (archive) => rawChunks(archive, segments, inner))[Symbol.asyncIterator]();
  return {
    async pull(stream) {
      try {
        const { value } = await chunks.next();
        if (value !== undefined) {
          stream.enqueue(value);
          return;
        }
        stream.close();
      } catch (error) {
        detach();
        throw error;
      }
      detach();
    },
    cancel(reason) {
      detach();
      // Ends the read under way: the generator cannot, as it waits for it.
      controller.abort(reason);
    },
  };
}

/**
 * The encoded bytes at a path: a child archive whole, or a value as it is in the data. Nothing is decoded. Chunks are
 * copies of at most 1 MiB, each read when it is asked for.
 */
async function* rawChunks(
  archive: ArchiveReader,
  segments: readonly PathSegment[],
  options?: ReadOptions,
): AsyncGenerator<Uint8Array, undefined> {
  const { prefix, range } = await locate(archive, segments, options);
  if (prefix.length > 0) yield prefix;
  for (let at = range.start; at < range.end; at += CHUNK) {
    options?.signal?.throwIfAborted();
    assertOpen(archive.context);
    const chunk = { start: at, end: Math.min(at + CHUNK, range.end) };
    const [bytes] = await archive.context.source.read([chunk], options);
    // A copy: the source may share its memory.
    yield bytes!.slice();
  }
  return undefined;
}

async function locate(
  archive: ArchiveReader,
  segments: readonly PathSegment[],
  options?: ReadOptions,
): Promise<RawBytes> {
  if (segments.length === 0) return whole(archive);
  // Down to the last node of the table. What is left of the path is inside one encoded value.
  let at: NodeLocation = rootOf(archive);
  let i = 0;
  for (; i < segments.length; i++) {
    if (at.node.kind === "archive") at = rootOf(await at.archive.child(at.node, options));
    if (!isBranch(at.node)) break;
    const next = await follow(at, [segments[i]!], options);
    if (next.kind !== "node") throw noSlices(segments);
    at = next;
  }
  const { archive: inner, node } = at;
  const { origin } = inner;
  if (node.kind === "archive") return whole(await inner.child(node, options));
  if (node.kind === "value") {
    const range = { start: origin + node.span.start, end: origin + node.span.end };
    return i === segments.length ? { prefix: NOTHING, range } : inside(inner, range, segments, i, options);
  }
  if (node.kind === "blocked") return blocked(inner, node, segments, i, options);
  if (node.span === undefined) return whole(inner);
  return { prefix: NOTHING, range: { start: origin + node.span.start, end: origin + node.span.end } };
}

function whole({ start, size }: ArchiveReader): RawBytes {
  return { prefix: NOTHING, range: { start, end: start + size } };
}

async function blocked(
  archive: ArchiveReader,
  node: BlockList,
  segments: readonly PathSegment[],
  from: number,
  options?: ReadOptions,
): Promise<RawBytes> {
  const { length } = node;
  const { origin } = archive;
  if (from === segments.length) {
    const first = await archive.table.blocks(node, 0, 1, options);
    const last = await archive.table.blocks(node, length - 1, length, options);
    // The table does not say where the list's head is; it is made anew, in its one canonical form.
    return {
      prefix: listHead(length, archive.header.protocol),
      range: { start: origin + first.bounds[0]!, end: origin + last.bounds.at(-1)! },
    };
  }
  const selection = resolveListSegment(segments[from]!, length, segments.slice(0, from + 1));
  if (selection.kind !== "index") throw noSlices(segments);
  const { index } = selection;
  const { bounds, before } = await archive.table.blocks(node, index, index + 1, options);
  const block = blockOf(before, index);
  // Decoding finds a block that does not hold the items that it counts.
  await blockItems(archive, node, [index], options);
  const start = origin + bounds[block]!;
  const [bytes] = await archive.read([{ start: bounds[block]!, end: bounds[block + 1]! }], options);
  const cursor = archive.cursor(bytes!);
  let offset = 0;
  for (let skipped = before[block]!; skipped < index; skipped++) offset = cursor.skip(offset);
  const range = { start: start + offset, end: start + cursor.skip(offset) };
  return from + 1 === segments.length
    ? { prefix: NOTHING, range }
    : inside(archive, range, segments, from + 1, options);
}

/** Follows the rest of a path inside one encoded value. */
async function inside(
  archive: ArchiveReader,
  range: ByteRange,
  segments: readonly PathSegment[],
  from: number,
  options?: ReadOptions,
): Promise<RawBytes> {
  const { origin } = archive;
  const span = { start: range.start - origin, end: range.end - origin };
  const [bytes] = await archive.read([span], options);
  archive.check(bytes!, 1, span.start);
  const cursor = archive.cursor(bytes!);
  const item: Item = { kind: "other", value: 0 };
  let offset = 0;
  for (let i = from; i < segments.length; i++) {
    const segment = segments[i]!;
    const path = segments.slice(0, i + 1);
    const first = cursor.head(offset, item);
    const { kind } = item;
    let count = item.value;
    if (kind !== "array" && kind !== "map") {
      throw new PeekpackError("bad-path", `${showPath(path)}: a value of this kind has no bytes below it.`, {
        path,
      });
    }
    if (count < 0) {
      // An indefinite length (CBOR): count up to the break.
      count = 0;
      for (let at = first; bytes![at] !== 0xff; at = cursor.skip(at)) count++;
      if (kind === "map") count /= 2;
    }
    let found = -1;
    if (kind === "array") {
      const selection = resolveListSegment(segment, count, path);
      if (selection.kind !== "index") throw noSlices(segments);
      found = first;
      for (let n = 0; n < selection.index; n++) found = cursor.skip(found);
    } else {
      if (segment instanceof Slice) throw noSlices(segments);
      for (let n = 0, key = first; n < count; n++) {
        const value = cursor.skip(key);
        if (sameKey(archive.decodePlain(bytes!.subarray(key, value)), segment)) found = value;
        key = cursor.skip(value);
      }
      if (found < 0) {
        throw new PeekpackError("not-found", `${showPath(path)}: there is no such key.`, { path });
      }
    }
    offset = found;
  }
  return {
    prefix: NOTHING,
    range: { start: range.start + offset, end: range.start + cursor.skip(offset) },
  };
}

function noSlices(path: readonly unknown[]): PeekpackError {
  return new PeekpackError("bad-path", `${showPath(path)}: a slice has no bytes of its own.`, { path });
}

/** The shortest head of a list of `count` items. */
function listHead(count: number, protocol: Protocol): Uint8Array {
  const cbor = protocol === "cbor";
  if (count < (cbor ? 24 : 16)) return Uint8Array.of((cbor ? 0x80 : 0x90) | count);
  const width = cbor && count < 0x100 ? 1 : count < 0x10000 ? 2 : count < 2 ** 32 ? 4 : 8;
  const head = new Uint8Array(1 + width);
  head[0] = cbor ? 0x98 + Math.log2(width) : width === 2 ? 0xdc : 0xdd;
  for (let i = width, rest = count; i > 0; i--, rest = Math.floor(rest / 0x100)) head[i] = rest % 0x100;
  return head;
}

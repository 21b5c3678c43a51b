import { PeekpackError } from "../errors.js";
import type { Item } from "../format/cursor.js";
import type { Protocol } from "../format/header.js";
import type { TocNode } from "../format/toc.js";
import type { ByteRange, ReadOptions } from "../source/range-source.js";
import type { ArchiveCore } from "./archive-core.js";
import { resolveListSegment } from "./list-segment.js";
import { follow, type Location, rootOf } from "./location.js";
import { type PathSegment, Slice } from "./path.js";
import { sameKey } from "./same-key.js";
import { blockItems, blockOf, show } from "./steps.js";

/** Bytes that are handed out at a time. */
const CHUNK = 1024 * 1024;

/** The encoded bytes of a place: what stands in front, and where the rest lies in the source. */
interface RawBytes {
  readonly front: Uint8Array;
  readonly range: ByteRange;
}

/**
 * The encoded bytes at a path: a child archive whole, or a value as it stands in the data. Nothing is decoded. Chunks of
 * at most 1 MiB, each read when it is asked for.
 */
export async function* rawChunks(
  core: ArchiveCore,
  segments: readonly PathSegment[],
  options?: ReadOptions,
): AsyncGenerator<Uint8Array, undefined> {
  const { front, range } = await locate(core, segments, options);
  if (front.length > 0) yield front;
  for (let at = range.start; at < range.end; at += CHUNK) {
    options?.signal?.throwIfAborted();
    core.assertOpen();
    const [bytes] = await core.shared.source.read(
      [{ start: at, end: Math.min(at + CHUNK, range.end) }],
      options,
    );
    // A copy: what the source gives may be memory that it shares.
    yield bytes!.slice();
  }
  return undefined;
}

const NOTHING = new Uint8Array(0);

async function locate(
  core: ArchiveCore,
  segments: readonly PathSegment[],
  options?: ReadOptions,
): Promise<RawBytes> {
  if (segments.length === 0) return whole(core);
  // Down to the last node of the table; what is left of the path lies inside one encoded value.
  let at: Location & { kind: "node" } = rootOf(core) as Location & { kind: "node" };
  let i = 0;
  for (; i < segments.length; i++) {
    if (at.node.kind === "archive") at = rootOf(await at.core.child(at.node.offset, options)) as typeof at;
    if (at.node.kind === "value" || at.node.kind === "blocked") break;
    const next = await follow(at, [segments[i]!], at.core, options);
    if (next.kind !== "node") throw noSlices(segments);
    at = next;
  }
  const { node } = at;
  const inner = at.core;
  const { origin } = inner;
  if (node.kind === "archive") return whole(await inner.child(node.offset, options));
  if (node.kind === "value") {
    const range = { start: origin + node.span.start, end: origin + node.span.end };
    return i === segments.length ? { front: NOTHING, range } : inside(inner, range, segments, i, options);
  }
  if (node.kind === "blocked") return blocked(inner, node, segments, i, options);
  if (node.span === undefined) return whole(inner);
  return { front: NOTHING, range: { start: origin + node.span.start, end: origin + node.span.end } };
}

function whole(core: ArchiveCore): RawBytes {
  return { front: NOTHING, range: { start: core.start, end: core.start + core.size } };
}

async function blocked(
  core: ArchiveCore,
  node: TocNode & { readonly kind: "blocked" },
  segments: readonly PathSegment[],
  from: number,
  options?: ReadOptions,
): Promise<RawBytes> {
  const { bounds, before, length } = node.blocks;
  const { origin } = core;
  if (from === segments.length) {
    // The table does not say where the list's head stands; it is made anew, in its one canonical form.
    return {
      front: listHead(length, core.header.protocol),
      range: { start: origin + bounds[0]!, end: origin + bounds[bounds.length - 1]! },
    };
  }
  const selection = resolveListSegment(segments[from]!, length, segments.slice(0, from + 1));
  if (selection.kind !== "index") throw noSlices(segments);
  const { index } = selection;
  const block = blockOf(before, index);
  // Decoding it first finds a block that does not hold what it counts.
  await blockItems(core, node, [index], options);
  const start = origin + bounds[block]!;
  const [bytes] = await core.read([{ start: bounds[block]!, end: bounds[block + 1]! }], options);
  const cursor = core.cursor(bytes!);
  let place = 0;
  for (let skipped = before[block]!; skipped < index; skipped++) place = cursor.skip(place);
  const range = { start: start + place, end: start + cursor.skip(place) };
  return from + 1 === segments.length
    ? { front: NOTHING, range }
    : inside(core, range, segments, from + 1, options);
}

/** Goes on inside one encoded value, over its bytes. */
async function inside(
  core: ArchiveCore,
  range: ByteRange,
  segments: readonly PathSegment[],
  from: number,
  options?: ReadOptions,
): Promise<RawBytes> {
  const { origin } = core;
  const [bytes] = await core.read([{ start: range.start - origin, end: range.end - origin }], options);
  core.decodePlain(bytes!);
  const cursor = core.cursor(bytes!);
  const item: Item = { kind: "other", value: 0 };
  let place = 0;
  for (let i = from; i < segments.length; i++) {
    const segment = segments[i]!;
    const path = segments.slice(0, i + 1);
    const first = cursor.head(place, item);
    const { kind } = item;
    let count = item.value;
    if (kind !== "array" && kind !== "map") {
      throw new PeekpackError("bad-path", `${show(path)}: no bytes of its own lie there.`, { path });
    }
    if (count < 0) {
      // Of indefinite length (CBOR): up to the break.
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
        if (sameKey(core.decodePlain(bytes!.subarray(key, value)), segment)) found = value;
        key = cursor.skip(value);
      }
      if (found < 0) throw new PeekpackError("not-found", `${show(path)}: there is no such key.`, { path });
    }
    place = found;
  }
  return { front: NOTHING, range: { start: range.start + place, end: range.start + cursor.skip(place) } };
}

function noSlices(path: readonly unknown[]): PeekpackError {
  return new PeekpackError("bad-path", `${show(path)}: a slice has no bytes of its own.`, { path });
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

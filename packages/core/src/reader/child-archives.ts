import { PeekpackError } from "../errors.js";
import { decodeHeader, HEADER_SIZE } from "../format/header.js";
import { AbortListeners } from "../source/abort-listeners.js";
import type { ReadOptions } from "../source/range-source.js";
import { ArchiveCore, SELF, tocTooLarge } from "./archive-core.js";

/** A child up to this size is read whole when it is opened. */
const WHOLE_CHILD = 64 * 1024;
/** How much of a larger child's end is read along with its header, in the hope that it holds the table. */
const CHILD_TAIL = 32 * 1024;

/** Opens the archive inside another whose magic is at a position. */
export function openChild(core: ArchiveCore, offset: number, options?: ReadOptions): Promise<ArchiveCore> {
  core.children ??= new ChildArchives(core);
  return core.children.open(offset, options);
}

/** The archives inside one. Those used last are kept open, as far as their tables fit the budget. */
export class ChildArchives {
  readonly #core: ArchiveCore;
  /** Those that are open, the least recently used first, and those that are being opened. */
  readonly #open = new Map<number, ArchiveCore>();
  readonly #opening = new Map<number, Promise<ArchiveCore>>();
  readonly #listeners = new AbortListeners();
  #bytes = 0;
  #offsets: Float64Array | undefined;

  constructor(core: ArchiveCore) {
    this.#core = core;
  }

  /** The archive whose magic is at a position. */
  async open(offset: number, options?: ReadOptions): Promise<ArchiveCore> {
    if (offset === SELF) return this.#core;
    const kept = this.#open.get(offset);
    if (kept !== undefined) {
      this.#open.delete(offset);
      this.#open.set(offset, kept);
      return kept;
    }
    let opening = this.#opening.get(offset);
    if (opening === undefined) {
      // This is shared work: one caller's abort must not fail the others. It is short, so that it goes on.
      opening = this.#read(offset, options === undefined ? undefined : { ...options, signal: undefined })
        .then((child) => this.#keep(offset, child))
        .finally(() => this.#opening.delete(offset));
      this.#opening.set(offset, opening);
    }
    return this.#listeners.untilAborted(opening, options?.signal);
  }

  #keep(offset: number, child: ArchiveCore): ArchiveCore {
    this.#open.set(offset, child);
    this.#bytes += child.toc.bytes.length;
    for (const [oldest, { toc }] of this.#open) {
      if (this.#bytes <= this.#core.shared.tocCacheBytes || oldest === offset) break;
      this.#bytes -= toc.bytes.length;
      this.#open.delete(oldest);
    }
    return child;
  }

  async #read(offset: number, options: ReadOptions | undefined): Promise<ArchiveCore> {
    const core = this.#core;
    const { limits } = core.shared;
    const room = core.header.tocStart - offset;
    if (room < HEADER_SIZE) {
      throw new PeekpackError("corrupt", `A child archive at ${offset} does not fit into the data.`, {
        section: "toc",
      });
    }
    if (core.nesting + 1 > limits.maxArchiveDepth) {
      throw new PeekpackError("limit", `More than ${limits.maxArchiveDepth} archives inside each other.`, {
        section: "toc",
      });
    }
    const extent = this.#extent(offset, room);
    const end = offset + extent;
    const spans =
      extent <= WHOLE_CHILD
        ? [{ start: offset, end }]
        : [
            { start: offset, end: offset + HEADER_SIZE },
            { start: end - CHILD_TAIL, end },
          ];
    const read = await core.read(spans, { ...options, reason: "open" });
    const header = decodeHeader(read[0]!, room, core.origin + offset);
    const tocStart = offset + HEADER_SIZE + header.tocStart;
    if (header.tocSize > limits.maxTocBytes) throw tocTooLarge(header.tocSize);
    let toc: Uint8Array | undefined;
    for (const [i, span] of spans.entries()) {
      if (tocStart >= span.start && tocStart + header.tocSize <= span.end) {
        toc = read[i]!.slice(tocStart - span.start, tocStart + header.tocSize - span.start);
      }
    }
    toc ??= (
      await core.read([{ start: tocStart, end: tocStart + header.tocSize }], { ...options, reason: "toc" })
    )[0]!;
    return ArchiveCore.create(core.shared, header, toc, core.origin + offset, core.nesting + 1);
  }

  /** How many bytes lie between a child's magic and the next child, or the end of the data. */
  #extent(offset: number, room: number): number {
    this.#offsets ??= this.#childOffsets();
    const offsets = this.#offsets;
    let low = 0;
    let high = offsets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (offsets[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    const extent = low < offsets.length ? offsets[low]! - offset : room;
    return extent >= HEADER_SIZE && extent <= room ? extent : room;
  }

  /** The offsets of the root's children, in ascending order. */
  #childOffsets(): Float64Array {
    const { toc } = this.#core;
    const root = toc.root();
    if (root.kind !== "map" && root.kind !== "list") return new Float64Array(0);
    const { size, at } = toc.children(root);
    const offsets = new Float64Array(size);
    for (let i = 0; i < size; i++) offsets[i] = toc.offset(at(i).place) ?? Number.POSITIVE_INFINITY;
    return offsets.sort();
  }
}

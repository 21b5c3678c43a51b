import { PeekpackError } from "../errors.js";
import { widened } from "../widened.js";
import type { ResolvedEncodeOptions } from "./options.js";
import type { Packer } from "./packer.js";
import { TocBuilder } from "./toc-builder.js";

/** A state of the encoder to return to. */
export interface Mark {
  readonly data: number;
  readonly toc: number;
  readonly spans: number;
  readonly nodes: number;
  readonly frames: number;
}

/** Numbers in a frame: start, body, and the tops of the stacks of spans and node lengths, and of the table's buffer. */
const FRAME = 5;
/** Largest position that the stacks hold. */
const MAX_POSITION = 2 ** 31 - 1;
/** Longest head of a container in bytes. */
const MAX_HEAD = 9;

/**
 * Builds the table of contents while containers are written.
 *
 * While a container is open, the positions where its children end (of a map's entries: where the value starts and ends) lie
 * on a stack. Most containers end as leaves: then the stack is cut back, and no node is made for the children. Positions
 * count in the data's buffer; `shift` turns them into positions from the origin (the end of the header). The stacks hold
 * 32 bits: doubles take a tenth longer (benchmarks, "encode").
 */
export abstract class ContainerEncoder {
  readonly data: Packer;
  readonly toc: TocBuilder;
  readonly options: ResolvedEncodeOptions;
  /** What to add to a position in the buffer to get one from the origin. */
  shift: number;
  /** Ends are negative for children with a node of their own. */
  #spans = new Int32Array(1024);
  #top = 0;
  /** Lengths of the nodes of those children, in order. */
  #nodes = new Int32Array(64);
  #nodeCount = 0;
  /** The open containers: numbers and no objects, because there may be millions. */
  #frames = new Int32Array(FRAME * 64);
  #frame = 0;

  constructor(data: Packer, toc: Packer, shift: number, options: ResolvedEncodeOptions) {
    this.data = data;
    this.toc = new TocBuilder(toc, options);
    this.shift = shift;
    this.options = options;
  }

  /** Encodes a value and everything below it. Returns whether it is trivial. */
  abstract value(value: unknown, depth: number): boolean;

  /** Encodes a map's key, at the depth of its value. */
  abstract key(key: unknown, depth: number): void;

  /** The state to return to with {@link rewind} when an attempt fails. */
  mark(): Mark {
    return {
      data: this.data.pos,
      toc: this.toc.packer.pos,
      spans: this.#top,
      nodes: this.#nodeCount,
      frames: this.#frame,
    };
  }

  rewind(mark: Mark): void {
    this.data.pos = mark.data;
    this.toc.packer.pos = mark.toc;
    this.#top = mark.spans;
    this.#nodeCount = mark.nodes;
    this.#frame = mark.frames;
  }

  /** The position from the origin of the next byte. */
  get position(): number {
    return this.data.pos + this.shift;
  }

  /**
   * Begins a container of `count` children and writes its head. Then, for each child in order: `note` where it starts (a
   * map's value only), and `noteEnd`.
   * @throws PeekpackError `limit` if it is nested too deep
   */
  begin(isMap: boolean, count: number, depth: number): void {
    if (depth >= this.options.maxDepth) this.deeper(depth);
    const { data } = this;
    if (this.#frame === this.#frames.length) this.#frames = widened(this.#frames);
    if (data.pos > MAX_POSITION - MAX_HEAD || this.toc.packer.pos > MAX_POSITION) throw tooLarge();
    const frames = this.#frames;
    const at = this.#frame;
    frames[at] = data.pos;
    if (isMap) data.map(count);
    else data.array(count);
    frames[at + 1] = data.pos;
    frames[at + 2] = this.#top;
    frames[at + 3] = this.#nodeCount;
    frames[at + 4] = this.toc.packer.pos;
    this.#frame = at + FRAME;
  }

  /** @throws PeekpackError `limit` if a container at this depth is nested too deep */
  deeper(depth: number): void {
    if (depth >= this.options.maxDepth) {
      throw new PeekpackError(
        "limit",
        `The value is nested more than ${this.options.maxDepth} levels deep, or contains itself.`,
      );
    }
  }

  /** Notes the position where a map's value starts, or where a child without a node of its own ends. */
  note(position: number): void {
    if (position > MAX_POSITION || position < -MAX_POSITION) throw tooLarge();
    if (this.#top === this.#spans.length) this.#spans = widened(this.#spans);
    this.#spans[this.#top++] = position;
  }

  /** Notes that a child ends here. `before`: the end of the table's buffer before the child. */
  noteEnd(before: number): void {
    const own = this.toc.packer.pos - before;
    if (own === 0) {
      this.note(this.data.pos);
    } else {
      this.note(-this.data.pos);
      if (this.#nodeCount === this.#nodes.length) this.#nodes = widened(this.#nodes);
      this.#nodes[this.#nodeCount++] = own;
    }
  }

  /** Ends the innermost container, and appends its node unless it is a leaf. Returns whether it is trivial. */
  end(isMap: boolean, trivial: boolean): boolean {
    const { toc, data } = this;
    this.#frame -= FRAME;
    const at = this.#frame;
    const frames = this.#frames;
    const start = frames[at]!;
    const top = frames[at + 2]!;
    const nodes = frames[at + 3]!;
    const node = frames[at + 4]!;
    const end = data.pos;
    if (toc.isSmall(end - start) || (trivial && isMap)) {
      toc.packer.pos = node;
    } else {
      const body = frames[at + 1]!;
      toc.close({
        isMap,
        trivial,
        start,
        body,
        end,
        shift: this.shift,
        node,
        spans: this.#spans,
        first: top,
        last: this.#top,
        nodes: this.#nodes,
        firstNode: nodes,
        keys: data.buf,
        keysAt: body,
      });
    }
    this.#top = top;
    this.#nodeCount = nodes;
    return toc.packer.pos === node && end - start <= this.options.trivialSize;
  }

  /** Ends a list of trivial items, which were not noted, by its blocks. It gets a node if there are `minimum` blocks. */
  endBlocks(blocks: readonly number[], minimum: number): boolean {
    this.#frame -= FRAME;
    const { toc, data } = this;
    const size = data.pos - this.#frames[this.#frame]!;
    const node = toc.packer.pos;
    if (!toc.isSmall(size)) toc.blocks(blocks, this.shift, minimum);
    return toc.packer.pos === node && size <= this.options.trivialSize;
  }
}

function tooLarge(): PeekpackError {
  return new PeekpackError("limit", "A list or map that is encoded in one piece takes more than 2 GiB.");
}

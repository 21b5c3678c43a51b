import { PeekpackError } from "../errors.js";
import type { BlockCutter } from "./block-cutter.js";
import { type ArchiveEncoder, NeedsStream } from "./encoder.js";
import { ItemSizes } from "./item-sizes.js";
import { located } from "./misplaced.js";
import type { TableStore } from "./table-store.js";

/** Nodes that are appended to the table before it may overflow. */
const NODES_AT_A_TIME = 64 * 1024;

/** What writes the values in a container. */
export interface ValueWriter {
  readonly encoder: ArchiveEncoder;
  readonly table: TableStore;
  /** The innermost container whose children are being written one by one. */
  frame: Frame | undefined;
  /** Writes one value. Returns whether it is trivial. */
  value(value: unknown, depth: number): boolean | Promise<boolean>;
  /** Hands to the sink what has been encoded. */
  flush(): Promise<void>;
}

/**
 * A container whose children are written one by one. Their entries go to the table as they are complete, and are dropped
 * again if the container turns out to need none. Of a list's trivial items only the sizes are kept, until one is not trivial.
 */
export class Frame {
  readonly #writer: ValueWriter;
  /** The frame around this one. */
  readonly #outer: Frame | undefined;
  readonly #isMap: boolean;
  readonly #count: number;
  readonly #depth: number;
  /** Positions of the container and of its first child. */
  readonly #start: number;
  readonly #body: number;
  /** Where in the table its entries begin. */
  readonly #node: number;
  /** Blocks of a list, while its items are trivial. */
  readonly #blocks: BlockCutter | undefined;
  /** Sizes of a list's items, while these have no entries yet. */
  #sizes: ItemSizes | undefined;
  /** Where the entries ended that were made of sizes. */
  #settledAt = 0;
  #trivial = true;
  #taken = 0;

  private constructor(writer: ValueWriter, isMap: boolean, count: number, depth: number) {
    const { encoder } = writer;
    this.#writer = writer;
    this.#outer = writer.frame;
    this.#isMap = isMap;
    this.#count = count;
    this.#depth = depth;
    this.#start = encoder.position;
    this.#node = writer.table.offset;
    if (isMap) encoder.data.map(count);
    else encoder.data.array(count);
    this.#body = encoder.position;
    this.#blocks = isMap ? undefined : encoder.toc.cutter(this.#body);
    this.#sizes = isMap ? undefined : new ItemSizes();
  }

  /** Writes the head of a container of `count` children. @throws PeekpackError `limit` if it is nested too deep */
  static async open(writer: ValueWriter, isMap: boolean, count: number, depth: number): Promise<Frame> {
    writer.encoder.deeper(depth);
    // What this container appends to the table comes after the entries of its older siblings.
    const outer = writer.frame;
    if (outer !== undefined) await outer.#settle();
    const frame = new Frame(writer, isMap, count, depth);
    writer.frame = frame;
    return frame;
  }

  /** Writes a map's next entry. */
  entry(key: unknown, value: unknown): undefined | Promise<void> {
    this.key(key, key);
    return this.child(key, () => this.#writer.value(value, this.#depth + 1));
  }

  /** Writes a map's next key. `name` is what messages call it. */
  key(key: unknown, name: unknown): void {
    const { encoder } = this.#writer;
    const { data } = encoder;
    const start = data.pos;
    try {
      encoder.key(key, this.#depth + 1);
    } catch (error) {
      if (error instanceof NeedsStream) {
        throw located(
          new PeekpackError("unsupported-value", "A key cannot be an iterable or a lazy handle."),
          name,
        );
      }
      throw located(error, name);
    }
    encoder.toc.packer.raw(data.buf.subarray(start, data.pos));
  }

  /** Writes a list's next item. */
  item(value: unknown): undefined | Promise<void> {
    return this.child(this.#taken, () => this.#writer.value(value, this.#depth + 1));
  }

  /** Writes the next value of a map, or item of a list, with a function that returns whether it is trivial. */
  child(key: unknown, write: () => boolean | Promise<boolean>): undefined | Promise<void> {
    if (this.#taken === this.#count) {
      throw new PeekpackError(
        "unsupported-value",
        `The stream has more than the ${this.#count} entries or items that were announced.`,
      );
    }
    this.#taken++;
    const { encoder, table } = this.#writer;
    const start = encoder.position;
    const node = table.offset;
    try {
      const done = write();
      if (!(done instanceof Promise)) return this.#note(done, start, node);
      return done.then(
        // The entries of its older siblings may have come in between.
        (trivial) => this.#note(trivial, start, Math.max(node, this.#settledAt)),
        (error: unknown) => {
          throw located(error, key);
        },
      );
    } catch (error) {
      throw located(error, key);
    }
  }

  /** Takes note of a child that has been written. `start`: its position. `node`: where in the table its own node is, if it has one. */
  #note(trivial: boolean, start: number, node: number): undefined | Promise<void> {
    const { encoder, table } = this.#writer;
    const { toc } = encoder;
    const end = encoder.position;
    if (!trivial) this.#trivial = false;
    if (this.#trivial) this.#blocks?.item(end);
    if (this.#sizes === undefined) {
      if (table.offset === node) toc.span(start, end, 1);
      return undefined;
    }
    if (trivial && this.#sizes.add(end - start)) return undefined;
    const own = table.take(node);
    const append = (): undefined => {
      if (own.length > 0) toc.packer.raw(own);
      else toc.span(start, end, 1);
    };
    const settled = this.#settle();
    return settled === undefined ? append() : settled.then(append);
  }

  /** Makes entries of the sizes that were kept. */
  #settle(): undefined | Promise<void> {
    const sizes = this.#sizes;
    this.#sizes = undefined;
    if (sizes === undefined) return undefined;
    if (sizes.count > NODES_AT_A_TIME) return this.#settleMany(sizes);
    this.#append(sizes, 0, sizes.count, this.#body);
    return undefined;
  }

  async #settleMany(sizes: ItemSizes): Promise<void> {
    let position = this.#body;
    for (let from = 0; from < sizes.count; from += NODES_AT_A_TIME) {
      position = this.#append(sizes, from, Math.min(from + NODES_AT_A_TIME, sizes.count), position);
      await this.#writer.table.overflow();
    }
  }

  /** Appends the nodes of some items, the first of which is at `position`. Returns where the last one ends. */
  #append(sizes: ItemSizes, from: number, to: number, position: number): number {
    const { encoder, table } = this.#writer;
    let start = position;
    for (let i = from; i < to; i++) {
      const end = start + sizes.at(i);
      encoder.toc.span(start, end, 1);
      start = end;
    }
    this.#settledAt = table.offset;
    return start;
  }

  /** Ends the container. Returns whether it is trivial. */
  close(): boolean {
    if (this.#taken !== this.#count) {
      throw new PeekpackError(
        "unsupported-value",
        `The stream has ${this.#taken} entries or items, of ${this.#count} that were announced.`,
      );
    }
    const { encoder, table } = this.#writer;
    const { toc } = encoder;
    this.#writer.frame = this.#outer;
    const end = encoder.position;
    const small = toc.isSmall(end - this.#start);
    if (small || this.#trivial) {
      table.truncate(this.#node);
      if (!small && this.#blocks !== undefined) toc.blocks(this.#blocks.finish(), 0);
    } else {
      const head = table.offset;
      toc.branch(this.#start, end, this.#isMap, this.#count);
      table.insert(this.#node, table.take(head));
    }
    return table.offset === this.#node && end - this.#start <= encoder.options.trivialSize;
  }
}

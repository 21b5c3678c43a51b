import { PeekpackError } from "../errors.js";
import type { Protocol } from "../format/header.js";
import type { ArchiveReader } from "../reader/archive-reader.js";
import { nodeOf } from "../reader/entry.js";
import { packerFor } from "./options.js";

/** The table of a combined archive: the offset of each child's magic from the end of the outer header, by name or in order. */
export class CombinedToc {
  readonly #protocol: Protocol;
  readonly #offsets: number[] = [];
  readonly #names = new Names();

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  /**
   * Reads the table of a combined archive, to add to it.
   * @throws PeekpackError `unsupported-value` if the archive is not a combined one
   */
  static async of({ header, table }: ArchiveReader): Promise<CombinedToc> {
    const root = table.root();
    const plain = (): PeekpackError =>
      new PeekpackError(
        "unsupported-value",
        "This is not a combined archive: nothing can be appended to it.",
        {
          section: "toc",
        },
      );
    if ((root.kind !== "map" && root.kind !== "list") || root.span !== undefined) throw plain();
    const toc = new CombinedToc(header.protocol);
    for await (const window of table.walk(root)) {
      for (const entry of window) {
        const child = nodeOf(entry);
        const name = root.kind === "map" ? table.key(entry) : undefined;
        if (child.kind !== "archive" || (root.kind === "map" && typeof name !== "string")) throw plain();
        toc.take(name as string | undefined, child.offset);
      }
    }
    return toc;
  }

  /** How many children there are. */
  get count(): number {
    return this.#offsets.length;
  }

  /**
   * Adds a child.
   * @throws PeekpackError `duplicate-name`; `unsupported-value` if only some children have names
   */
  take(name: string | undefined, offset: number): void {
    this.#names.take(name);
    this.#offsets.push(offset);
  }

  /** A copy of the names, to check further ones against before anything is written. */
  rehearse(): Names {
    return this.#names.copy();
  }

  /** The table's bytes. */
  encode(): Uint8Array {
    const packer = packerFor(this.#protocol, 256 + this.#offsets.length * 16);
    const { list } = this.#names;
    packer.map(1);
    packer.string("t");
    if (list.length > 0) packer.map(this.#offsets.length);
    else packer.array(this.#offsets.length);
    for (const [i, offset] of this.#offsets.entries()) {
      if (list.length > 0) packer.string(list[i]!);
      packer.int(offset);
    }
    return packer.buf.slice(0, packer.pos);
  }
}

/** The names of children. Either all have one or none, and each name occurs once. */
class Names {
  readonly list: string[];
  readonly #seen: Set<string>;
  /** Children so far, named or not. */
  count: number;

  constructor(list: readonly string[] = [], count = 0) {
    this.list = [...list];
    this.#seen = new Set(list);
    this.count = count;
  }

  copy(): Names {
    return new Names(this.list, this.count);
  }

  take(name: string | undefined): void {
    if (this.count > 0 && (name === undefined) !== (this.list.length === 0)) {
      throw new PeekpackError(
        "unsupported-value",
        "Either all children have a name, and make a map, or none has, and they make a list.",
      );
    }
    if (name !== undefined) {
      if (this.#seen.has(name)) {
        throw new PeekpackError("duplicate-name", `There are two children of the name "${name}".`, {
          path: [name],
        });
      }
      this.#seen.add(name);
      this.list.push(name);
    }
    this.count++;
  }
}

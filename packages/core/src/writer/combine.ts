import { PeekpackError } from "../errors.js";
import { decodeHeader, encodeHeader } from "../format/header.js";
import { Archive } from "../reader/archive.js";
import { type ArchiveSource, openArchive } from "../reader/open-archive.js";
import type { RangeSource } from "../source/range-source.js";
import { CombinedToc } from "./combined-toc.js";
import { type ResolvedEncodeOptions, resolveEncodeOptions } from "./options.js";
import { sequentialSource } from "./sequential-source.js";
import { type ArchiveSink, memorySink, type WriteResult } from "./sink.js";
import { indexChunks } from "./table-indexer.js";
import { finishing, type WriteOptions, writeArchive } from "./write-archive.js";

/** A child of a combined archive: an archive that exists, or a value that is encoded as an archive first. */
export type CombineChild =
  | {
      /** Its key. Either all children have a name, or none: then they make a list. */
      readonly name?: string | undefined;
      /**
       * An open archive, of which header, data and table are copied; or a source of one, which is copied whole, with all that
       * follows the table, as the reference does.
       */
      readonly source: Archive | ArchiveSource;
    }
  | {
      readonly name?: string | undefined;
      /** A value that {@link writeArchive} takes. It is encoded in memory, because its header comes first. */
      readonly value: unknown;
    };

/** Children to combine. An array is checked before anything is written, an iterable child by child. */
export type CombineChildren = readonly CombineChild[] | Iterable<CombineChild> | AsyncIterable<CombineChild>;

/** Bytes that are copied at a time. */
const CHUNK = 4 * 1024 * 1024;
/** Bytes that a check reads. A child that is not longer is not read again. */
const CHECKED_BYTES = 32 * 1024;
/** Bytes of such children that are in memory between check and copy, in total. The others are read again. */
const KEPT_BYTES = 16 * 1024 * 1024;
/** Children that are checked at once. */
const CHECKS = 32;

/**
 * Combines archives into one, byte for byte, under names or as a list. The option `codec` is that of the outer archive; each
 * child keeps its own codec and its own page index. Children may be combined archives themselves.
 *
 * An array of children is checked before the first byte is written. If anything fails the sink is aborted.
 *
 * @throws PeekpackError `duplicate-name`; `unsupported-value` if there are no children, if only some have names, or if an
 *   archive is combined into itself; `not-an-archive`, `unfinished`, `truncated` if a child is not an archive
 * @throws TypeError if a child has neither a source nor a value, or both
 */
export async function combineArchives(
  sink: ArchiveSink,
  children: CombineChildren,
  options: WriteOptions = {},
): Promise<WriteResult> {
  const resolved = resolveEncodeOptions(options);
  return finishing(sink, async () => {
    const toc = new CombinedToc(resolved.protocol);
    const writer = new CombinedWriter(sink, toc, resolved, options);
    await writer.add(children);
    return writer.finish();
  });
}

/** A combined archive to append to, and the sink of the result. */
export interface AppendTarget {
  /** The combined archive. */
  readonly source: ArchiveSource;
  /** Takes the result. The old archive must stay readable until the sink has finished. */
  readonly sink: ArchiveSink;
  /**
   * The sink writes into the old archive's object, from the byte after the old table on, and puts the new header over the old
   * one last: nothing is copied. The old table stays as bytes that nothing refers to. An old page index is overwritten; what
   * is left of it no longer matches the header, and is ignored. Default false: the whole archive is written anew, with the
   * same bytes as the reference's append gives.
   */
  readonly inPlace?: boolean | undefined;
}

/**
 * Adds children to a combined archive, in its own codec. The result gets a page index of its own, if the options want one.
 * @throws PeekpackError as {@link combineArchives}, and `unsupported-value` if the target is not a combined archive, or if
 *   either the children or those of the target have names, and the others have none
 */
export async function appendArchives(
  target: AppendTarget,
  children: CombineChildren,
  options: Omit<WriteOptions, "codec"> = {},
): Promise<WriteResult> {
  const { sink, inPlace = false } = target;
  return finishing(sink, async () => {
    const archive = await openArchive(target.source, { signal: options.signal });
    const { archive: reader } = archive["~location"]();
    const { protocol, tocStart, tocSize } = reader.header;
    const toc = await CombinedToc.of(reader);
    const resolved = resolveEncodeOptions({ ...options, codec: protocol });
    const writer = new CombinedWriter(sink, toc, resolved, options);
    const { source } = reader.context;
    writer.refuse(source.label);
    await writer.check(children);
    if (inPlace) writer.position = tocStart + tocSize;
    else await writer.copy(source, reader.origin, reader.origin + tocStart);
    await writer.add(children);
    return writer.finish();
  });
}

/** A child that was checked. */
interface Ready {
  readonly name: string | undefined;
  /** Its bytes: `start` to `end` of a source. */
  readonly source: RangeSource;
  readonly start: number;
  readonly end: number;
  /** All of these bytes, if the check has read them. May be a view of memory that others share. */
  readonly bytes?: Uint8Array | undefined;
}

class CombinedWriter {
  readonly #sink: ArchiveSink;
  readonly #toc: CombinedToc;
  readonly #options: ResolvedEncodeOptions;
  readonly #given: WriteOptions;
  readonly #self = new Set<string>();
  readonly #checked = new Map<CombineChild, Ready>();
  #checkedAll = false;
  /** Bytes after the header so far. */
  position = 0;

  constructor(sink: ArchiveSink, toc: CombinedToc, options: ResolvedEncodeOptions, given: WriteOptions) {
    this.#sink = sink;
    this.#toc = toc;
    this.#options = options;
    this.#given = given;
    if (sink.label !== undefined) this.#self.add(sink.label);
  }

  /** Rejects a source among the children: the target itself. */
  refuse(label: string): void {
    // Sources in memory share a label, and cannot be the target.
    if (label.includes(":")) this.#self.add(label);
  }

  /** Checks all children of an array before anything is written. */
  async check(children: CombineChildren): Promise<void> {
    if (!Array.isArray(children) || this.#checkedAll) return;
    this.#checkedAll = true;
    const given = children as readonly CombineChild[];
    const names = this.#toc.rehearse();
    for (const child of given) names.take(nameOf(child));
    if (names.count === 0) throw nothing();
    const found = given.filter((child) => "source" in child);
    let kept = 0;
    for (let at = 0; at < found.length; at += CHECKS) {
      const group = found.slice(at, at + CHECKS);
      const checks = await Promise.allSettled(group.map(({ name, source }) => this.#find(name, source)));
      for (const [i, check] of checks.entries()) {
        if (check.status === "rejected") throw check.reason;
        const { bytes, ...ready } = check.value;
        const keeps = bytes !== undefined && kept + bytes.length <= KEPT_BYTES;
        if (keeps) kept += bytes.length;
        this.#checked.set(group[i]!, keeps ? check.value : ready);
      }
    }
  }

  async add(children: CombineChildren): Promise<void> {
    await this.check(children);
    for await (const child of children) {
      const name = nameOf(child);
      this.#toc.take(name, this.position);
      if ("source" in child) {
        const { source, start, end, bytes } =
          this.#checked.get(child) ?? (await this.#find(name, child.source));
        if (bytes === undefined) await this.copy(source, start, end);
        // The sink owns what it gets.
        else await this.#write(bytes.slice());
      } else {
        const memory = memorySink();
        const { threshold, trivialSize, profile, sets, floats, numpy, maxDepth } = this.#options;
        await writeArchive(memory, child.value, {
          ...this.#given,
          codec: this.#options.custom ?? this.#options.protocol,
          smallObjectThreshold: threshold,
          trivialSize,
          profile,
          sets,
          floats,
          numpy,
          maxDepth,
        });
        await this.#write(memory.bytes());
      }
    }
  }

  /** Copies bytes of a source. */
  async copy(source: RangeSource, from: number, to: number): Promise<void> {
    const { signal } = this.#given;
    for (let at = from; at < to; at += CHUNK) {
      const [bytes] = await source.read([{ start: at, end: Math.min(at + CHUNK, to) }], { signal });
      // The sink owns what it gets; a source may return a view of memory that others share.
      await this.#write(bytes!.slice());
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#given.signal?.throwIfAborted();
    await this.#sink.write(bytes);
    this.position += bytes.length;
  }

  async finish(): Promise<WriteResult> {
    if (this.#toc.count === 0) throw nothing();
    const tocStart = this.position;
    const toc = this.#toc.encode();
    await this.#write(toc);
    for (const chunk of indexChunks(this.#options, tocStart, toc)) await this.#write(chunk);
    return this.#sink.finish(
      encodeHeader({ protocol: this.#options.protocol, tocStart, tocSize: toc.length }),
    );
  }

  /** Finds the bytes of a child, and checks that they are an archive. */
  async #find(name: string | undefined, source: Archive | ArchiveSource): Promise<Ready> {
    const { signal } = this.#given;
    if (source instanceof Archive) {
      const { archive } = source["~location"]();
      const { source: from } = archive.context;
      this.#notSelf(from.label);
      return { name, source: from, start: archive.start, end: archive.start + archive.size };
    }
    const from = await sequentialSource(source);
    this.#notSelf(from.label);
    const { size, head } = await from.probe({ head: CHECKED_BYTES, tail: 0 }, { signal });
    try {
      decodeHeader(head, size);
    } catch (error) {
      if (!(error instanceof PeekpackError)) throw error;
      const who = name === undefined ? from.label : `"${name}" (${from.label})`;
      throw new PeekpackError(error.code, `${who} cannot be a child: ${error.message}`, {
        section: "header",
        cause: error,
      });
    }
    return { name, source: from, start: 0, end: size, bytes: head.length === size ? head : undefined };
  }

  #notSelf(label: string): void {
    if (this.#self.has(label)) {
      throw new PeekpackError("unsupported-value", `${label} cannot be combined into itself.`);
    }
  }
}

function nameOf(child: CombineChild): string | undefined {
  if (typeof child !== "object" || child === null || "source" in child === "value" in child) {
    throw new TypeError('A child is an object with either a "source" or a "value".');
  }
  const { name } = child;
  if (name !== undefined && typeof name !== "string") throw new TypeError("A child's name is a string.");
  return name;
}

function nothing(): PeekpackError {
  return new PeekpackError("unsupported-value", "A combined archive needs at least one child.");
}

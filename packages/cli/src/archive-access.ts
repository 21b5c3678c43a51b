import {
  type Archive,
  type ArchiveSink,
  appendArchives,
  combineArchives,
  type EncodeOptions,
  httpSource,
  openArchive,
  type RangeSource,
} from "@peekpack/core";
import { fileSink, fileSource, spoolSink } from "@peekpack/node-storage";
import { type PutMode, type S3Store, s3Store } from "@peekpack/s3";
import { archiveError } from "./archive-error.js";
import { type ArchiveLocation, archiveLocation } from "./archive-location.js";
import { type Arguments, UsageError } from "./arguments.js";
import type { ChildArgument } from "./child-argument.js";
import type { Context } from "./command.js";
import { compressedContent } from "./compression.js";

/** How an archive is opened. */
export interface AccessOptions {
  /** Whether the table is read through its page index even if it is cheaper to read it whole. */
  readonly usePageIndex?: boolean;
}

/** Opens and writes the archives that the arguments of a command name. */
export class ArchiveAccess {
  readonly #args: Arguments;
  readonly #context: Context;
  readonly #sources: RangeSource[] = [];
  #s3: S3Store | undefined;
  /** Size of the compressed object that `open` has opened. Undefined if it is not compressed. */
  compressedSize: number | undefined;

  constructor(args: Arguments, context: Context) {
    this.#args = args;
    this.#context = context;
  }

  /** A source of an archive's bytes. Nothing is read yet. */
  source(text: string): RangeSource {
    const source = this.#source(archiveLocation(text));
    this.#sources.push(source);
    return source;
  }

  #source(location: ArchiveLocation): RangeSource {
    return asUsage(() => {
      switch (location.kind) {
        case "file":
          return fileSource(location.path);
        case "url":
          return httpSource(location.url);
        case "s3":
          return this.#store().source(location.path);
        case "stream":
          throw new UsageError("an archive cannot be read from standard input");
      }
    });
  }

  /** Opens an archive, also a compressed one. Maps keep the order of their keys. */
  async open(text: string, { usePageIndex }: AccessOptions = {}): Promise<Archive> {
    const offset = this.#args.count("offset");
    const index = this.#args.text("page-index-file");
    const pageIndex = index === undefined ? undefined : this.source(index);
    const { signal } = this.#context;
    const source = this.source(text);
    const common = { maps: "map", offset, pageIndex, signal } as const;
    // A table that is local, or that is read with the end of the archive, is not read through its page index.
    const open = (from: RangeSource): Promise<Archive> =>
      usePageIndex === true
        ? openArchive({ ...from, local: false }, { ...common, tailBytes: 0 })
        : openArchive(from, common);
    try {
      return await open(source);
    } catch (error) {
      const content = await compressedContent(error, source);
      if (content === undefined) throw error;
      this.compressedSize = content.size;
      return open(content.source);
    }
  }

  /**
   * Opens an archive, does something with it and closes it. Errors name the archive.
   * @throws ArchiveError instead of a PeekpackError
   */
  async use<T>(
    text: string,
    work: (archive: Archive) => Promise<T>,
    options: AccessOptions = {},
  ): Promise<T> {
    let archive: Archive | undefined;
    try {
      archive = await this.open(text, options);
      return await work(archive);
    } catch (error) {
      throw await archiveError(error, text, archive);
    } finally {
      await archive?.close();
      await this.close();
    }
  }

  /** A sink for an archive. The archive appears as a whole or not at all. */
  sink(text: string, put: PutMode = "overwrite"): ArchiveSink {
    const location = archiveLocation(text);
    const { signal, output } = this.#context;
    return asUsage(() => {
      switch (location.kind) {
        case "file":
          return fileSink(location.path, { put });
        case "s3":
          return spoolSink(this.#store().target(location.path, { put }), { signal });
        case "stream":
          if (output.isTerminal) {
            throw new UsageError("an archive is binary: name a file, or redirect standard output");
          }
          return output.sink();
        case "url":
          throw new UsageError("nothing can be written to an http(s) URL");
      }
    });
  }

  /**
   * Combines archives. The server copies those on the same S3 service.
   * @returns why the server did not copy, in words, if it should have been able to
   */
  async combine(
    out: string,
    children: readonly ChildArgument[],
    options: Pick<EncodeOptions, "codec" | "pageIndex"> & { readonly put: PutMode },
  ): Promise<string | undefined> {
    const { signal } = this.#context;
    const { codec, pageIndex, put } = options;
    const location = archiveLocation(out);
    if (location.kind === "s3") {
      const store = this.#writableStore(location.path);
      return (
        await store.combine(location.path, this.#childrenForStore(children), {
          codec,
          pageIndex,
          put,
          signal,
        })
      ).notice;
    }
    const sink = this.sink(out, put);
    await combineArchives(sink, this.#childSources(children), { codec, pageIndex, signal });
    return undefined;
  }

  /**
   * Adds archives to a combined one. It is replaced only if it is still the version that was read. On S3 the server
   * copies what it has.
   * @returns why the server did not copy, in words, if it should have been able to
   */
  async append(
    target: string,
    children: readonly ChildArgument[],
    { pageIndex }: Pick<EncodeOptions, "pageIndex">,
  ): Promise<string | undefined> {
    const { signal } = this.#context;
    const location = archiveLocation(target);
    if (location.kind === "s3") {
      const store = this.#writableStore(location.path);
      return (await store.append(location.path, this.#childrenForStore(children), { pageIndex, signal }))
        .notice;
    }
    if (location.kind !== "file") throw new UsageError("archives are appended to a file or an S3 object");
    const sources = this.#childSources(children);
    const source = this.source(target);
    const { version } = (await openArchive(source, { signal })).info;
    const sink = this.sink(target, version === undefined ? "overwrite" : { ifMatch: version });
    await appendArchives({ source, sink }, sources, { pageIndex, signal });
    return undefined;
  }

  /** Closes the sources. */
  async close(): Promise<void> {
    for (const source of this.#sources) await source.close?.();
  }

  #childSources(children: readonly ChildArgument[]): { name: string | undefined; source: RangeSource }[] {
    return children.map(({ name, archive }) => ({ name, source: this.source(archive) }));
  }

  /** Children for the store. It takes its own objects by their paths, and reads URLs with retries of its own. */
  #childrenForStore(
    children: readonly ChildArgument[],
  ): { name: string | undefined; source: RangeSource | string }[] {
    return children.map(({ name, archive }) => {
      const location = archiveLocation(archive);
      // The source is made in any case: it refuses a malformed path.
      const source = this.source(archive);
      if (location.kind === "s3") return { name, source: location.path };
      return { name, source: location.kind === "url" ? location.url : source };
    });
  }

  /** The store, after it has checked that it can write to a path. */
  #writableStore(path: string): S3Store {
    return asUsage(() => {
      const store = this.#store();
      store.target(path);
      return store;
    });
  }

  #store(): S3Store {
    // Signs with fetch: the AWS SDK takes longer to load than most commands run, and warns on stderr about old Node versions.
    this.#s3 ??= s3Store({ endpoint: this.#args.text("endpoint"), writer: "fetch" });
    return this.#s3;
  }
}

/** Reports a wrong argument of another package as wrong usage of the command. */
function asUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

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
import type {
  CapabilityOptions,
  OrphanedUpload,
  PutMode,
  S3Store,
  StoreCapabilities,
  SweepOptions,
  UploadProgress,
  UploadTarget,
} from "@peekpack/s3";
import { archiveError } from "./archive-error.js";
import { type ArchiveLocation, archiveLocation } from "./archive-location.js";
import { type Arguments, UsageError } from "./arguments.js";
import type { OpeningCost } from "./byte-chart.js";
import type { ChildArgument } from "./child-argument.js";
import type { Context } from "./command.js";
import { compressedContent, compressing, contentOf, frameCompression, orCompressed } from "./compression.js";
import { openStore, recordedPath } from "./s3-access.js";

/** Memory of an archive that is read once, from its start to its end: what was read is not read again. */
const ONE_PASS = { cacheBytes: 4 * 2 ** 20, tocCacheBytes: 4 * 2 ** 20 } as const;

/** How an archive is opened. */
export interface AccessOptions {
  /** Whether the table is read through its page index even if it is cheaper to read it whole. */
  readonly usePageIndex?: boolean;
  /**
   * Whether reads of a file are coalesced and prefetched, as those of an object on a server are. Otherwise each small container is a
   * read of its own, and the state of the file is checked before and after it.
   */
  readonly readAhead?: boolean;
}

/** Opens and writes the archives that the arguments of a command name. */
export class ArchiveAccess {
  readonly #args: Arguments;
  readonly #context: Context;
  readonly #sources: RangeSource[] = [];
  #s3: S3Store | undefined;
  #bytesRead = 0;
  #expectedBytes: number | undefined;
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
    return this.#counted(source);
  }

  /** A source that reports the bytes that are read as progress. */
  #counted(source: RangeSource): RangeSource {
    const count = (bytes: number): void => {
      this.#bytesRead += bytes;
      this.#context.progress.report("reading", this.#bytesRead, this.#expectedBytes);
    };
    return {
      ...source,
      async probe(want, options) {
        const probe = await source.probe(want, options);
        count(Math.min(probe.size, probe.head.length + probe.tail.length));
        return probe;
      },
      async read(ranges, options) {
        const chunks = await source.read(ranges, options);
        count(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
        return chunks;
      },
    };
  }

  /** What has been read so far, and with how many requests if the archive is remote. */
  costOf(archive: Archive): OpeningCost {
    const { local } = archive.source;
    return { bytes: this.#bytesRead, requests: local === true ? undefined : archive.stats.requests };
  }

  /** Says how many bytes will be read in total, for the remaining time. */
  expect(bytes: number): void {
    this.#expectedBytes = bytes;
  }

  /** Reports an upload as progress. */
  readonly onUpload = ({ phase, bytesUploaded, totalBytes }: UploadProgress): void => {
    if (phase !== "writing") this.#context.progress.report("uploading", bytesUploaded, totalBytes);
  };

  #source(location: ArchiveLocation): RangeSource {
    return usageOf(() => {
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
  async open(text: string, { usePageIndex, readAhead }: AccessOptions = {}): Promise<Archive> {
    const offset = this.#args.count("offset");
    const index = this.#args.text("page-index-file");
    const pageIndex = index === undefined ? undefined : this.source(index);
    const { signal } = this.#context;
    const source = this.source(text);
    const common = { maps: "map", offset, pageIndex, signal } as const;
    // A table that is local, or that is read with the end of the archive, is not read through its page index.
    const open = (from: RangeSource): Promise<Archive> => {
      if (usePageIndex === true)
        return openArchive({ ...from, local: false }, { ...common, ...ONE_PASS, tailBytes: 0 });
      return openArchive(readAhead === true && from.local ? { ...from, local: false } : from, common);
    };
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
    return usageOf(() => {
      switch (location.kind) {
        case "file":
          return fileSink(location.path, { put });
        case "s3":
          return spoolSink(this.#store().target(location.path, { put }), {
            durable: this.#args.flag("durable"),
            signal,
            onProgress: this.onUpload,
          });
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
    return orCompressed(async (compressed) => {
      if (location.kind === "s3") {
        const store = this.#writableStore(location.path);
        const compression = compressed ? await frameCompression() : undefined;
        return (
          await store.combine(location.path, this.#childrenForStore(children), {
            codec,
            pageIndex,
            put,
            signal,
            compression,
            onProgress: this.onUpload,
          })
        ).notice;
      }
      const sources = await this.#childSources(children, compressed);
      const sink = await compressing(this.sink(out, put), compressed ? 0 : undefined);
      await combineArchives(sink, sources, { codec, pageIndex, signal });
      return undefined;
    });
  }

  /**
   * Adds archives to a combined one. It is replaced only if it is still the version that was read. On S3 the server
   * copies what it has.
   * @returns why the server did not copy, in words, if it should have been able to
   */
  async append(
    target: string,
    children: readonly ChildArgument[],
    { pageIndex, soleWriter }: Pick<EncodeOptions, "pageIndex"> & { readonly soleWriter: boolean },
  ): Promise<string | undefined> {
    const { signal } = this.#context;
    const location = archiveLocation(target);
    return orCompressed(async (compressed) => {
      if (location.kind === "s3") {
        const store = this.#writableStore(location.path);
        const compression = compressed ? await frameCompression() : undefined;
        return (
          await store.append(location.path, this.#childrenForStore(children), {
            pageIndex,
            soleWriter,
            signal,
            compression,
            onProgress: this.onUpload,
          })
        ).notice;
      }
      if (location.kind !== "file") throw new UsageError("archives are appended to a file or an S3 object");
      const sources = await this.#childSources(children, compressed);
      const stored = this.source(target);
      const source = compressed ? await contentOf(stored) : stored;
      const { version } = (await openArchive(source, { signal })).info;
      const sink = this.sink(target, version === undefined ? "overwrite" : { ifMatch: version });
      await appendArchives(
        { source, sink: await compressing(sink, source === stored ? undefined : 0) },
        sources,
        { pageIndex, signal },
      );
      return undefined;
    });
  }

  /** A target of an upload. @throws UsageError for a malformed path */
  target(path: string, put: PutMode = "overwrite"): UploadTarget {
    return usageOf(() => this.#store().target(path, { put }));
  }

  /**
   * The target that a spool was written for.
   * @throws PeekpackError `unsupported-value` if the spool does not name an object of S3
   */
  recordedTarget(label: string | undefined, put: PutMode = "overwrite"): UploadTarget {
    const { endpoint, path } = recordedPath(label, this.#args);
    return openStore(this.#args, endpoint).target(path, { put });
  }

  /** Aborts orphaned uploads. */
  sweep(prefix: string, options: SweepOptions): Promise<OrphanedUpload[]> {
    return asUsage(() => this.#store().sweep(storePrefix(prefix), options));
  }

  /** Finds out what the S3 service supports. */
  capabilities(prefix: string, options: CapabilityOptions): Promise<StoreCapabilities> {
    return asUsage(() => this.#store().capabilities(storePrefix(prefix), options));
  }

  /** Closes the sources. */
  async close(): Promise<void> {
    for (const source of this.#sources) await source.close?.();
  }

  #childSources(
    children: readonly ChildArgument[],
    compressed: boolean,
  ): Promise<{ name: string | undefined; source: RangeSource }[]> {
    return Promise.all(
      children.map(async ({ name, archive }) => {
        const source = this.source(archive);
        return { name, source: compressed ? await contentOf(source) : source };
      }),
    );
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
    return usageOf(() => {
      const store = this.#store();
      store.target(path);
      return store;
    });
  }

  #store(): S3Store {
    this.#s3 ??= openStore(this.#args);
    return this.#s3;
  }
}

/** @throws UsageError unless the text is s3://bucket or s3://bucket/prefix */
function storePrefix(text: string): string {
  const location = archiveLocation(text);
  if (location.kind !== "s3") throw new UsageError(`${text} is not s3://bucket/prefix`);
  return location.path;
}

/** As {@link wrongUsage}, for work that is awaited. */
export async function asUsage<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw wrongUsage(error);
  }
}

/** Reports a wrong argument of another package as wrong usage of the command. */
function usageOf<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw wrongUsage(error);
  }
}

/** A UsageError for a TypeError or a RangeError. Other errors are returned unchanged. */
function wrongUsage(error: unknown): unknown {
  return error instanceof TypeError || error instanceof RangeError ? new UsageError(error.message) : error;
}

import {
  type Archive,
  type ArchiveSink,
  appendArchives,
  combineArchives,
  type EncodeOptions,
  httpSource,
  openArchive,
  publicUrl,
  type RangeSource,
} from "@peekpack/core";
import { fileSink, fileSource, spoolSink } from "@peekpack/node-storage";
import { type PutMode, type S3Store, s3Store } from "@peekpack/s3";
import { type Arguments, UsageError } from "./arguments.js";
import type { ChildPlace } from "./child-place.js";
import type { Context } from "./command.js";

/** Where an argument says that an archive is, or is to be. */
type Place =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "s3"; readonly path: string }
  /** Standard input or output. */
  | { readonly kind: "stream" };

/** Whether a text begins with a scheme, and so is no name of a file. */
function hasScheme(text: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(text);
}

function placeOf(text: string): Place {
  if (text === "") throw new UsageError("the name of an archive is empty");
  if (text === "-") return { kind: "stream" };
  if (!hasScheme(text)) return { kind: "file", path: text };
  if (/^https?:/i.test(text)) return { kind: "url", url: text };
  if (/^s3:/i.test(text)) return { kind: "s3", path: `s3://${text.slice(5)}` };
  throw new UsageError(`${publicUrl(text)} is neither a file nor an http(s) or s3 URL`);
}

/** Reaches archives where the arguments of a command say that they are. */
export class Places {
  readonly #args: Arguments;
  readonly #context: Context;
  readonly #opened: RangeSource[] = [];
  #s3: S3Store | undefined;

  constructor(args: Arguments, context: Context) {
    this.#args = args;
    this.#context = context;
  }

  /** A source of the bytes of an archive. Nothing is read yet. */
  source(text: string): RangeSource {
    const source = this.#source(placeOf(text));
    this.#opened.push(source);
    return source;
  }

  #source(place: Place): RangeSource {
    return asUsage(() => {
      switch (place.kind) {
        case "file":
          return fileSource(place.path);
        case "url":
          return httpSource(place.url);
        case "s3":
          return this.#store().source(place.path);
        case "stream":
          throw new UsageError("an archive cannot be read from standard input");
      }
    });
  }

  /** Opens an archive. Maps keep the order of their keys. */
  async open(text: string): Promise<Archive> {
    const offset = this.#args.count("offset");
    return openArchive(this.source(text), { maps: "map", offset, signal: this.#context.signal });
  }

  /** A sink that makes an archive appear, whole or not at all. */
  sink(text: string, put: PutMode = "overwrite"): ArchiveSink {
    const place = placeOf(text);
    const { signal, output } = this.#context;
    return asUsage(() => {
      switch (place.kind) {
        case "file":
          return fileSink(place.path, { put });
        case "s3":
          return spoolSink(this.#store().target(place.path, { put }), { signal });
        case "stream":
          return output.sink();
        case "url":
          throw new UsageError("nothing can be written to an http(s) URL");
      }
    });
  }

  /**
   * Puts archives into one. Onto S3, those that lie on the same service are copied there by the server.
   * @returns in words, why the server did not copy although it might have
   */
  async combine(
    out: string,
    children: readonly ChildPlace[],
    options: { readonly codec: EncodeOptions["codec"]; readonly put: PutMode },
  ): Promise<string | undefined> {
    const { signal } = this.#context;
    const { codec, put } = options;
    const place = placeOf(out);
    if (place.kind === "s3") {
      const store = this.#storeFor(place.path);
      return (await store.combine(place.path, this.#onS3(children), { codec, put, signal })).notice;
    }
    const sink = this.sink(out, put);
    await combineArchives(sink, this.#sources(children), { codec, signal });
    return undefined;
  }

  /**
   * Adds archives to a combined one, which is replaced only when it is still the one that was read. On S3 the server
   * copies what it has.
   * @returns in words, why the server did not copy although it might have
   */
  async append(target: string, children: readonly ChildPlace[]): Promise<string | undefined> {
    const { signal } = this.#context;
    const place = placeOf(target);
    if (place.kind === "s3") {
      const store = this.#storeFor(place.path);
      return (await store.append(place.path, this.#onS3(children), { signal })).notice;
    }
    if (place.kind !== "file") throw new UsageError("archives are appended to a file or an S3 object");
    const sources = this.#sources(children);
    const source = this.source(target);
    const { version } = (await openArchive(source, { signal })).info;
    const sink = this.sink(target, version === undefined ? "overwrite" : { ifMatch: version });
    await appendArchives({ source, sink }, sources, { signal });
    return undefined;
  }

  /** Closes what was opened for reading. */
  async close(): Promise<void> {
    for (const source of this.#opened) await source.close?.();
  }

  #sources(children: readonly ChildPlace[]): { name: string | undefined; source: RangeSource }[] {
    return children.map(({ name, archive }) => ({ name, source: this.source(archive) }));
  }

  /** Children for the store, which takes its own objects by their paths, and reads URLs with retries of its own. */
  #onS3(children: readonly ChildPlace[]): { name: string | undefined; source: RangeSource | string }[] {
    return children.map(({ name, archive }) => {
      const place = placeOf(archive);
      // The source is made all the same: it refuses what is no path.
      const source = this.source(archive);
      return { name, source: place.kind === "s3" ? place.path : place.kind === "url" ? place.url : source };
    });
  }

  /** The store, for a path that it can write to. */
  #storeFor(path: string): S3Store {
    return asUsage(() => {
      const store = this.#store();
      store.target(path);
      return store;
    });
  }

  #store(): S3Store {
    // Signed here: the AWS SDK would take longer to load than most commands take, and warns on stderr about old Node versions.
    this.#s3 ??= s3Store({ endpoint: this.#args.text("endpoint"), writer: "fetch" });
    return this.#s3;
  }
}

/** What the packages below call a mistake in an argument is one in the command line. */
function asUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

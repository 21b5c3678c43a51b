import {
  type Archive,
  type ArchiveSink,
  httpSource,
  openArchive,
  publicUrl,
  type RangeSource,
} from "@peekpack/core";
import { fileSink, fileSource, spoolSink } from "@peekpack/node-storage";
import { type PutMode, type S3Store, s3Store } from "@peekpack/s3";
import { type Arguments, UsageError } from "./arguments.js";
import type { Context } from "./command.js";

/** Where an argument says that an archive is, or is to be. */
type Place =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "s3"; readonly path: string }
  /** Standard input or output. */
  | { readonly kind: "stream" };

/** Whether a text begins with a scheme, and so is no name of a file. */
export function hasScheme(text: string): boolean {
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
  #s3: S3Store | undefined;

  constructor(args: Arguments, context: Context) {
    this.#args = args;
    this.#context = context;
  }

  /** A source of the bytes of an archive. Nothing is read yet. */
  source(text: string): RangeSource {
    const place = placeOf(text);
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

  /**
   * An archive that is to be replaced by another made from it: its source, and a sink that replaces exactly the state
   * that the source gives.
   */
  async replacement(text: string): Promise<{ readonly source: RangeSource; readonly sink: ArchiveSink }> {
    const { kind } = placeOf(text);
    if (kind !== "file" && kind !== "s3") throw new UsageError("only a file or an S3 object can be replaced");
    const source = this.source(text);
    const { version } = (await openArchive(source, { signal: this.#context.signal })).info;
    return { source, sink: this.sink(text, version === undefined ? "overwrite" : { ifMatch: version }) };
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

  #store(): S3Store {
    this.#s3 ??= s3Store({ endpoint: this.#args.text("endpoint") });
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

import { type ArchiveSink, type RangeSource, type RequestLimiter, requestLimiter } from "@peekpack/core";
import type { CapabilityOptions, StoreCapabilities } from "./capabilities.js";
import { type ConnectionOptions, connectionSettings, objectLabel, openConnection } from "./connection.js";
import { type ObjectLocation, parseLocation } from "./location.js";
import type { MultipartSinkOptions } from "./multipart-sink.js";
import type { RetryOptions } from "./persistence.js";
import { checkPutMode } from "./put-mode.js";
import { readObject, type S3SourceOptions } from "./s3-source.js";
import type { StoreChild, StoreCombineOptions, StoreCombineResult } from "./server-combine.js";
import type { WriterKind } from "./store-writer.js";
import type { OrphanedUpload, SweepOptions } from "./sweep.js";
import type { PutMode, UploadTarget } from "./upload-target.js";
import type { WritingHalf } from "./writing-half.js";

/** How a store reaches S3, and how it reads and writes. */
export interface S3StoreOptions extends ConnectionOptions {
  /**
   * How requests that write are sent. `sdk`: by `@aws-sdk/client-s3`, loaded at the first write; `fetch`: over fetch,
   * signed here. Default: `sdk` in Node, `fetch` in a browser, which so is spared 85 KB.
   */
  readonly writer?: WriterKind | undefined;
  /** How hard requests that write are tried. */
  readonly retry?: RetryOptions | undefined;
  /** How many requests that read may be under way at once. Default 6 in a browser, else 32. */
  readonly concurrency?: number | undefined;
}

/** What a presigned URL allows. */
export interface PresignOptions {
  /** Default GET. */
  readonly method?: "GET" | "HEAD" | "PUT" | "POST" | "DELETE" | undefined;
  /** Query parameters that the request will have. */
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** Headers that the request must have, in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Seconds from now, at most a week. Default 3,600. */
  readonly expiresIn?: number | undefined;
}

/** How an archive is sent up while it is produced. */
export interface StoreSinkOptions extends MultipartSinkOptions {
  /** How an object that is there already is treated. Default `overwrite`. */
  readonly put?: PutMode | undefined;
}

/** An S3 service as a place of archives. Paths are 'bucket/key' or 's3://bucket/key', keys as S3 stores them. */
export interface S3Store {
  /** Reads an object by ranges. @throws TypeError when the path is none */
  source(path: string, options?: S3SourceOptions): RangeSource;
  /**
   * Sends an archive up while it is produced, without a disk: a small one as one PUT, else in parts. It appears whole, when it
   * is finished, or not at all. Memory: `concurrency` + 1 parts.
   * @throws TypeError when the path or the put mode is none
   */
  sink(path: string, options?: StoreSinkOptions): ArchiveSink;
  /** Where a spool uploads to. @throws TypeError when the path or the put mode is none */
  target(path: string, options?: { readonly put?: PutMode | undefined }): UploadTarget;
  /**
   * Puts archives into one. Those that lie on this service are copied by the server and pinned to the version that was looked
   * at: nothing of them is read here but headers, and edges shorter than the least part. A child is `{ name?, source }` or
   * `{ name?, value }` as for `combineArchives`; a `source` that is a text is a path in this store, unless it is an http(s) URL.
   * All children are looked at before anything is sent; nothing appears before all is there.
   * Only an archive that needs more than 10,000 parts is made by way of objects '<key>.peekpack-stage-…', which a process that is
   * killed meanwhile leaves behind: list that prefix to find and remove them.
   * @throws PeekpackError as `combineArchives` and {@link UploadTarget} do; `changed` when a child changes meanwhile
   */
  combine(
    path: string,
    children: Iterable<StoreChild> | AsyncIterable<StoreChild>,
    options?: StoreCombineOptions,
  ): Promise<StoreCombineResult>;
  /**
   * Adds children to a combined archive, in its own codec: what it holds is copied by the server, so that a few MiB move
   * whatever its size. The object is replaced only if it is still the one that was read.
   * @throws PeekpackError as {@link combine}, and `changed` when somebody else was faster: read anew and append again
   */
  append(
    path: string,
    children: Iterable<StoreChild> | AsyncIterable<StoreChild>,
    options?: Omit<StoreCombineOptions, "put" | "codec">,
  ): Promise<StoreCombineResult>;
  /**
   * Aborts multipart uploads below 'bucket' or 'bucket/prefix' that this store's identity has begun and nobody has completed, as
   * crashed writers leave them. Only on request, and only those that are old enough. This is how everything is found that a
   * killed writer without a spool has left, and an upload whose id was on its way to a spool's journal: with the object's own
   * path as the prefix, `dryRun` lists it.
   * @returns what was aborted, or with `dryRun` would be
   */
  sweep(prefix: string, options: SweepOptions): Promise<OrphanedUpload[]>;
  /**
   * Finds out what the endpoint can do, and explains in words what is missing and what that costs. About thirty small
   * requests below 'bucket' or 'bucket/prefix', where an object of 16 bytes is written and removed. Without a place: the bucket
   * that this store was last used with.
   * @throws TypeError without a place where the store was not used yet
   */
  capabilities(place?: string, options?: CapabilityOptions): Promise<StoreCapabilities>;
  /** A URL that allows one kind of request on the object to whoever holds it. @throws PeekpackError `denied` without credentials */
  presign(path: string, options?: PresignOptions): Promise<string>;
}

/**
 * Opens an S3 service. Nothing is sent before it is needed.
 *
 * @example
 * const store = s3Store({ endpoint: "http://127.0.0.1:9000", credentials: { accessKeyId, secretAccessKey } });
 * const archive = await openArchive(store.source("bucket/key.msgl"));
 */
export function s3Store(options: S3StoreOptions = {}): S3Store {
  const settings = connectionSettings(options);
  const connection = openConnection(settings);
  const inPage = globalThis.location !== undefined;
  const limiter: RequestLimiter = requestLimiter(options.concurrency ?? (inPage ? 6 : 32));
  const kind = options.writer ?? (isNode() ? "sdk" : "fetch");

  let lastBucket: string | undefined;
  const locate = (path: string): ObjectLocation => {
    const location = parseLocation(path);
    lastBucket = location.bucket;
    return location;
  };

  const source = (location: ObjectLocation, choice: S3SourceOptions = {}): RangeSource =>
    readObject(connection, location, objectLabel(options, location.bucket, location.key), choice, limiter);

  // The writing half is a module of its own, so that a bundle which only reads can leave it behind.
  let loading: Promise<WritingHalf> | undefined;
  const writing = (): Promise<WritingHalf> => {
    loading ??= import("./writing-half.js").then(
      ({ writingHalf }) => writingHalf({ connection, settings, kind, options, source }),
      (error: unknown) => {
        loading = undefined;
        throw error;
      },
    );
    return loading;
  };

  return {
    async combine(path, children, choice) {
      const location = locate(path);
      checkPutMode(choice?.put);
      return (await writing()).combine(location, children, choice);
    },
    async append(path, children, choice) {
      const location = locate(path);
      return (await writing()).append(location, children, choice);
    },
    source: (path, choice) => source(locate(path), choice),
    target(path, choice = {}) {
      const location = locate(path);
      const label = objectLabel(options, location.bucket, location.key);
      const put = checkPutMode(choice.put);
      const later = late(async () => (await writing()).target(location, put));
      return {
        label,
        put,
        putObject: later("putObject"),
        createUpload: later("createUpload"),
        uploadPart: later("uploadPart"),
        listParts: later("listParts"),
        completeUpload: later("completeUpload"),
        abortUpload: later("abortUpload"),
      };
    },
    sink(path, { put: given, ...choice } = {}) {
      const location = locate(path);
      const label = objectLabel(options, location.bucket, location.key);
      const put = checkPutMode(given);
      const later = late(async () => (await writing()).sink(location, put, choice));
      return {
        label,
        copies: true,
        write: later("write"),
        finish: later("finish"),
        abort: later("abort"),
      };
    },
    async sweep(prefix, choice) {
      return (await writing()).sweep(prefix, choice);
    },
    async capabilities(prefix = lastBucket, choice) {
      if (prefix === undefined) throw new TypeError("Name a bucket to look at: 'bucket' or 'bucket/prefix'.");
      return (await writing()).capabilities(prefix, choice);
    },
    presign(path, { method = "GET", query, headers, expiresIn = 3600 } = {}) {
      return connection.presign({ method, query, headers, ...locate(path) }, expiresIn);
    },
  };
}

/** The methods of something that is made when the first of them is called. */
function late<T>(make: () => Promise<T>): <Name extends keyof T>(name: Name) => Method<T, Name> {
  let made: Promise<T> | undefined;
  return <Name extends keyof T>(name: Name) =>
    (async (...args: unknown[]) => {
      made ??= make().catch((error: unknown) => {
        made = undefined;
        throw error;
      });
      const whole = (await made) as Record<Name, (...args: unknown[]) => unknown>;
      return whole[name](...args);
    }) as Method<T, Name>;
}

type Method<T, Name extends keyof T> = NonNullable<T[Name]>;

function isNode(): boolean {
  const host = globalThis as { process?: { versions?: { node?: string } } };
  return host.process?.versions?.node !== undefined && globalThis.location === undefined;
}

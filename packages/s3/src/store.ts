import { type ArchiveSink, type RangeSource, type RequestLimiter, requestLimiter } from "@peekpack/core";
import type { CapabilityOptions, StoreCapabilities } from "./capabilities.js";
import { type ConnectionOptions, connectionSettings, objectLabel, openConnection } from "./connection.js";
import { type ObjectLocation, parseLocation, parsePrefix } from "./location.js";
import type { MultipartSinkOptions } from "./multipart-sink.js";
import type { RetryOptions } from "./persistence.js";
import { checkPutMode } from "./put-mode.js";
import { readObject, type S3SourceOptions } from "./s3-source.js";
import type { CombinePlace, StoreChild, StoreCombineOptions, StoreCombineResult } from "./server-combine.js";
import type { StoreWriter, WriterKind } from "./store-writer.js";
import type { OrphanedUpload, SweepOptions } from "./sweep.js";
import type { PutMode, UploadTarget } from "./upload-target.js";

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
  readonly parallel?: number | undefined;
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
   * is finished, or not at all. Memory: `concurrency` + 2 parts.
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
   * crashed writers leave them. Only on request, and only those that are old enough.
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
  const limiter: RequestLimiter = requestLimiter(options.parallel ?? (inPage ? 6 : 32));
  const kind = options.writer ?? (isNode() ? "sdk" : "fetch");

  let lastBucket: string | undefined;
  const locate = (path: string): ObjectLocation => {
    const location = parseLocation(path);
    lastBucket = location.bucket;
    return location;
  };

  // The writing half is a module of its own, so that a bundle which only reads can leave it behind.
  let loading: Promise<StoreWriter> | undefined;
  const writer = (): Promise<StoreWriter> => {
    loading ??= import("./store-writer.js").then(
      ({ storeWriter }) => storeWriter({ connection, settings, kind, retry: options.retry }),
      (error: unknown) => {
        loading = undefined;
        throw error;
      },
    );
    return loading;
  };

  const source = (location: ObjectLocation, choice: S3SourceOptions = {}): RangeSource =>
    readObject(connection, location, objectLabel(options, location.bucket, location.key), choice, limiter);

  /** What combining needs of this store, for one object. */
  const combinePlace = (path: string): CombinePlace => {
    const location = locate(path);
    const base = objectLabel(options, "", "").slice(0, -1);
    return {
      location,
      label: objectLabel(options, location.bucket, location.key),
      parse: parseLocation,
      locate: (label) => (label.startsWith(base) ? parseLocation(label.slice(base.length)) : undefined),
      source: (at, version) => source(at, { version }),
      target: async (at, put) => (await writer()).target(at, objectLabel(options, at.bucket, at.key), put),
    };
  };

  return {
    async combine(path, children, choice) {
      const place = combinePlace(path);
      checkPutMode(choice?.put);
      return (await import("./server-combine.js")).combineOnServer(place, children, choice);
    },
    async append(path, children, choice) {
      const place = combinePlace(path);
      return (await import("./server-combine.js")).appendOnServer(place, children, choice);
    },
    source(path, choice = {}) {
      return source(locate(path), choice);
    },
    target(path, choice = {}) {
      const location = locate(path);
      const label = objectLabel(options, location.bucket, location.key);
      const put = checkPutMode(choice.put);
      return lateTarget(label, put, async () => (await writer()).target(location, label, put));
    },
    sink(path, { put: given, ...choice } = {}) {
      const location = locate(path);
      const label = objectLabel(options, location.bucket, location.key);
      const put = checkPutMode(given);
      return lateSink(label, async () => {
        const [{ multipartSink }, made] = await Promise.all([import("./multipart-sink.js"), writer()]);
        return multipartSink(made.target(location, label, put), choice);
      });
    },
    async sweep(prefix, choice) {
      const place = parsePrefix(prefix);
      const label = objectLabel(options, place.bucket, place.prefix);
      const target = async (key: string): Promise<UploadTarget> =>
        (await writer()).target({ ...place, key }, objectLabel(options, place.bucket, key), "overwrite");
      const { sweepUploads } = await import("./sweep.js");
      return sweepUploads({ ...place, connection, label, target, retry: options.retry }, choice);
    },
    async capabilities(prefix = lastBucket, choice) {
      if (prefix === undefined) throw new TypeError("Name a bucket to look at: 'bucket' or 'bucket/prefix'.");
      const place = parsePrefix(prefix);
      const anonymous = openConnection({ ...settings, credentials: () => undefined });
      const label = objectLabel(options, place.bucket, place.prefix);
      const { findCapabilities } = await import("./capabilities.js");
      return findCapabilities({ ...place, connection, anonymous, label }, choice);
    },
    presign(path, { method = "GET", query, headers, expiresIn = 3600 } = {}) {
      return connection.presign({ method, query, headers, ...locate(path) }, expiresIn);
    },
  };
}

/** A target that is made when it is first used. */
function lateTarget(label: string, put: PutMode, make: () => Promise<UploadTarget>): UploadTarget {
  let made: Promise<UploadTarget> | undefined;
  const target = (): Promise<UploadTarget> => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
  return {
    label,
    put,
    putObject: async (...args) => (await target()).putObject(...args),
    createUpload: async (...args) => (await target()).createUpload(...args),
    uploadPart: async (...args) => (await target()).uploadPart(...args),
    listParts: async (...args) => (await target()).listParts(...args),
    completeUpload: async (...args) => (await target()).completeUpload(...args),
    abortUpload: async (...args) => (await target()).abortUpload(...args),
  };
}

/** A sink that is made when it is first used. */
function lateSink(label: string, make: () => Promise<ArchiveSink>): ArchiveSink {
  let made: Promise<ArchiveSink> | undefined;
  const sink = (): Promise<ArchiveSink> => {
    made ??= make();
    return made;
  };
  return {
    label,
    copies: true,
    write: async (chunk) => (await sink()).write(chunk),
    finish: async (header) => (await sink()).finish(header),
    abort: async (reason) => (await sink()).abort(reason),
  };
}

function isNode(): boolean {
  const host = globalThis as { process?: { versions?: { node?: string } } };
  return host.process?.versions?.node !== undefined && globalThis.location === undefined;
}

import { type RangeSource, type RequestLimiter, requestLimiter } from "@peekpack/core";
import { type ConnectionOptions, connectionSettings, objectLabel, openConnection } from "./connection.js";
import { type ObjectLocation, parseLocation } from "./location.js";
import type { RetryOptions } from "./persistence.js";
import { checkPutMode } from "./put-mode.js";
import { readObject, type S3SourceOptions } from "./s3-source.js";
import type { CombinePlace, StoreChild, StoreCombineOptions, StoreCombineResult } from "./server-combine.js";
import type { StoreWriter, WriterKind } from "./store-writer.js";
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
  /** How many requests that read may be under way at once. Default 6 in a browser, else 16. */
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

/** An S3 service as a place of archives. Paths are 'bucket/key' or 's3://bucket/key', keys as S3 stores them. */
export interface S3Store {
  /** Reads an object by ranges. @throws TypeError when the path is none */
  source(path: string, options?: S3SourceOptions): RangeSource;
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
  const limiter: RequestLimiter = requestLimiter(options.parallel ?? (inPage ? 6 : 16));
  const kind = options.writer ?? (isNode() ? "sdk" : "fetch");

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
    const location = parseLocation(path);
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
      return source(parseLocation(path), choice);
    },
    target(path, choice = {}) {
      const location = parseLocation(path);
      const label = objectLabel(options, location.bucket, location.key);
      const put = checkPutMode(choice.put);
      return lateTarget(label, put, async () => (await writer()).target(location, label, put));
    },
    presign(path, { method = "GET", query, headers, expiresIn = 3600 } = {}) {
      return connection.presign({ method, query, headers, ...parseLocation(path) }, expiresIn);
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

function isNode(): boolean {
  const host = globalThis as { process?: { versions?: { node?: string } } };
  return host.process?.versions?.node !== undefined && globalThis.location === undefined;
}

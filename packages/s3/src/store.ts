import { type ClosableSource, type RequestLimiter, requestLimiter, Sequence } from "@peekpack/core";
import { disposable, loadFeature } from "@peekpack/core/internal";
import type { CapabilityOptions, StoreCapabilities } from "./capabilities.js";
import type { Capability, ReplaceSafety } from "./capability.js";
import {
  type ConnectionOptions,
  connectionSettings,
  endpointOf,
  objectLabel,
  openConnection,
} from "./connection.js";
import type { StoreCopyOptions } from "./copy-object.js";
import { deferred, deferredSink, deferredTarget } from "./deferred.js";
import type { DisposableSink } from "./disposable-sink.js";
import { inBrowser, inNode } from "./environment.js";
import { type ObjectLocation, parseLocation, parsePrefix } from "./location.js";
import type { MultipartSinkOptions } from "./multipart-sink.js";
import { checkPutMode } from "./put-mode.js";
import type { WriteRetryOptions } from "./retry.js";
import { objectReader, type S3SourceOptions } from "./s3-source.js";
import type {
  CombineContext,
  StoreAppendOptions,
  StoreChild,
  StoreCombineOptions,
  StoreCombineResult,
} from "./server-combine.js";
import type { DeleteOptions, ListOptions, ObjectContext, StoreObject } from "./store-objects.js";
import type { WriterKind } from "./store-writer.js";
import type { OrphanedUpload, SweepOptions } from "./sweep.js";
import type { PutMode, UploadTarget } from "./upload-target.js";
import type { ServerCopyResult } from "./write-segments.js";

/** Options of {@link s3Store}. */
export interface S3StoreOptions extends ConnectionOptions {
  /**
   * What sends requests that write. `sdk`: `@aws-sdk/client-s3`, which you install, and which is loaded at the first write.
   * `fetch`: fetch, signed by this package, which saves a page 85 KB. Default: `sdk` in Node if it is installed, else `fetch`.
   */
  readonly writer?: WriterKind | undefined;
  /** How requests that write are retried. */
  readonly retry?: WriteRetryOptions | undefined;
  /** Maximum number of concurrent requests that read. Default 6 in a browser, else 32. */
  readonly concurrency?: number | undefined;
}

/** The SDK in Node, if it is installed. */
async function defaultWriter(): Promise<WriterKind> {
  if (!inNode()) return "fetch";
  const { isSdkInstalled } = await loadFeature("writing to S3", () => import("./sdk-code.js"));
  return (await isSdkInstalled()) ? "sdk" : "fetch";
}

/** The maximum of SigV4: a week. */
const MAX_EXPIRES_S = 604_800;

/** AWS replaces an object only under its condition (Amazon S3 User Guide, "Conditional writes"). */
const HONORED: Capability = { supported: true, explanation: "AWS honors If-Match." };
const AWS_SAFETY: ReplaceSafety = { put: HONORED, complete: HONORED };

/** What a presigned URL allows. */
export interface PresignOptions {
  /** Default GET. */
  readonly method?: "GET" | "HEAD" | "PUT" | "POST" | "DELETE" | undefined;
  /** Query parameters of the request. */
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** Headers that the request must have, names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Seconds from now until the URL expires, at most a week. Default 3,600. */
  readonly expiresIn?: number | undefined;
}

/** Options of `store.sink`. */
export interface StoreSinkOptions extends MultipartSinkOptions {
  /** How an existing object is treated. Default `overwrite`. */
  readonly put?: PutMode | undefined;
}

/** An S3 service with archives. Paths are 'bucket/key' or 's3://bucket/key', with keys as S3 stores them. */
export interface S3Store extends AsyncDisposable {
  /** Reads an object by ranges. @throws TypeError if the path is invalid, or `version` and `ifMatch` are different ETags */
  source(path: string, options?: S3SourceOptions): ClosableSource;
  /**
   * Uploads an archive while it is produced, without a disk: by one PUT if it is small, else in parts. The object appears when the
   * sink is finished. Memory: `concurrency` + 1 parts.
   * @throws TypeError if the path or the put mode is invalid
   */
  sink(path: string, options?: StoreSinkOptions): DisposableSink;
  /** The target of a spool's upload. @throws TypeError if the path or the put mode is invalid */
  target(path: string, options?: { readonly put?: PutMode | undefined }): UploadTarget;
  /**
   * Combines archives. The server copies children that are objects of this service, pinned to the version that was read. Only their
   * headers, and edges shorter than the minimum part, are read here. A child is `{ name?, source }` or `{ name?, value }`, as for
   * `combineArchives`; a string as `source` is a path in this store, unless it is an http(s) URL. All children are checked before
   * anything is sent. The object appears when it is complete.
   * An archive of more than 10,000 parts is made of temporary objects '<key>.peekpack-stage-…'. A process that is killed meanwhile
   * leaves them behind.
   * @throws PeekpackError as `combineArchives` and {@link UploadTarget} do; `changed` if a child changes meanwhile
   */
  combine(
    path: string,
    children: Iterable<StoreChild> | AsyncIterable<StoreChild>,
    options?: StoreCombineOptions,
  ): Promise<StoreCombineResult>;
  /**
   * Adds children to a combined archive, in its own codec. The server copies the existing ones, so a few MiB are transferred,
   * whatever the archive's size. The object is replaced only if it has not changed since it was read. Whether the server can do
   * that is known on AWS and after {@link capabilities}; elsewhere the first append of a store tries it, by two to six small
   * requests for a key that does not exist. Only `capabilities` finds servers that check the condition, but not atomically.
   * @throws PeekpackError as {@link combine}; `changed` if the object was replaced meanwhile: append again; `conflict` if the
   * server ignores the condition: with `soleWriter` it is appended to nevertheless
   */
  append(
    path: string,
    children: Iterable<StoreChild> | AsyncIterable<StoreChild>,
    options?: StoreAppendOptions,
  ): Promise<StoreCombineResult>;
  /**
   * Lists the objects under 'bucket' or 'bucket/prefix', in the order of the server: on AWS, of the UTF-8 bytes of their keys. A prefix
   * is no folder: 'a' also lists 'ab'. One page of up to 1,000 objects is in memory, and the next is requested when it is needed.
   * Every loop lists anew.
   * @throws TypeError if the prefix has no valid bucket
   * @throws RangeError if `limit` is not a positive integer
   */
  list(prefix: string, options?: ListOptions): Sequence<StoreObject>;
  /**
   * Looks an object up, by one HEAD request.
   * @throws TypeError if the path is invalid
   * @throws PeekpackError `not-found` if there is no object
   */
  head(path: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<StoreObject>;
  /**
   * Deletes an object. Succeeds if there is none. With `ifMatch` it compares the ETag first, and lets the server compare it again;
   * a server that ignores the condition may delete an object that is replaced in between. In a bucket with versions, older versions
   * stay.
   * @throws TypeError if the path or `ifMatch` is invalid
   * @throws PeekpackError `changed` if the object has another ETag than `ifMatch` or does not exist; `conflict` if the server exposes
   * no ETag to compare
   */
  delete(path: string, options?: DeleteOptions): Promise<void>;
  /**
   * Copies an object, pinned to the version that it has at the beginning. The server copies objects above 5 MiB, in parts of up to
   * 5 GiB. Shorter ones are read and uploaded, under conditions that every server honors. Content type, metadata and tags are
   * not copied. The new object appears when it is complete. By default it replaces none.
   * @throws TypeError if a path or the put mode is invalid
   * @throws PeekpackError `not-found` if there is no object to copy; `exists` or `changed` if `put` forbids the copy; `changed` if the
   * object changes meanwhile; `unsupported-value` if it is copied onto itself; as {@link UploadTarget} does
   */
  copy(from: string, to: string, options?: StoreCopyOptions): Promise<ServerCopyResult>;
  /**
   * Aborts multipart uploads under 'bucket' or 'bucket/prefix' that are older than `olderThan`, were begun by this store's
   * identity, and are not complete. Use this to find uploads left by crashed writers. With `dryRun` it only lists them.
   * @returns the uploads that it aborted, or with `dryRun` would abort
   */
  sweep(prefix: string, options: SweepOptions): Promise<OrphanedUpload[]>;
  /**
   * Finds out what the endpoint supports, and explains what is missing and what that costs. Sends about forty small requests under
   * 'bucket' or 'bucket/prefix', where it writes and deletes an object of 16 bytes. Default: the bucket of the last call.
   * @throws TypeError if no prefix is given and the store was not used before
   */
  capabilities(prefix?: string, options?: CapabilityOptions): Promise<StoreCapabilities>;
  /**
   * A URL that allows one kind of request for the object.
   * @throws TypeError if the path is invalid
   * @throws RangeError if `expiresIn` is not from 1 to 604,800
   * @throws PeekpackError `denied` without credentials
   */
  presign(path: string, options?: PresignOptions): Promise<string>;
  /** Closes the sockets of the AWS SDK. The store remains usable. */
  close(): Promise<void>;
}

/**
 * Opens an S3 service. Sends nothing before the first read or write.
 *
 * @example
 * const store = s3Store({ endpoint: "http://127.0.0.1:9000", credentials: { accessKeyId, secretAccessKey } });
 * const archive = await openArchive(store.source("bucket/key.msglc"));
 */
export function s3Store(options: S3StoreOptions = {}): S3Store {
  const { retry } = options;
  const settings = connectionSettings(options);
  const connection = openConnection(settings);
  const limiter: RequestLimiter = requestLimiter(options.concurrency ?? (inBrowser() ? 6 : 32));
  const labelOf = ({ bucket, key }: ObjectLocation): string => objectLabel(options, bucket, key);

  let lastBucket: string | undefined;
  const locate = (path: string): ObjectLocation => {
    const location = parseLocation(path);
    lastBucket = location.bucket;
    return location;
  };

  const source = (location: ObjectLocation, choice: S3SourceOptions = {}): ClosableSource =>
    objectReader(connection, location, labelOf(location), choice, limiter);

  const writer = deferred(async () => {
    const { storeWriter } = await loadFeature("writing to S3", () => import("./store-writer.js"));
    return storeWriter({ connection, settings, kind: options.writer ?? (await defaultWriter()), retry });
  });
  const target = async (location: ObjectLocation, put: PutMode): Promise<UploadTarget> =>
    (await writer.get()).target(location, labelOf(location), put);
  const objectContext = (location: ObjectLocation): ObjectContext => ({
    connection,
    location,
    label: labelOf(location),
    retry,
  });
  const loadObjects = () => loadFeature("listing and deleting objects", () => import("./store-objects.js"));
  const loadCombine = () => loadFeature("combining archives on S3", () => import("./server-combine.js"));

  const safety: ReplaceSafety = {};
  const combineContext = (location: ObjectLocation): CombineContext => ({
    location,
    safety: endpointOf(options) === undefined ? AWS_SAFETY : safety,
    label: labelOf(location),
    labelBase: objectLabel(options, "", "").slice(0, -1),
    source: (at, version) => source(at, { version }),
    target,
  });
  const close = async (): Promise<void> => (await writer.made?.catch(() => undefined))?.close();

  return disposable<S3Store>({
    source: (path, choice) => source(locate(path), choice),
    target(path, choice = {}) {
      const location = locate(path);
      const put = checkPutMode(choice.put);
      return deferredTarget(labelOf(location), put, () => target(location, put));
    },
    sink(path, { put, ...choice } = {}) {
      const location = locate(path);
      const mode = checkPutMode(put);
      return deferredSink(labelOf(location), async () =>
        (await writer.get()).sink(location, labelOf(location), mode, choice),
      );
    },
    async combine(path, children, choice) {
      const location = locate(path);
      checkPutMode(choice?.put);
      return (await loadCombine()).combineOnServer(combineContext(location), children, choice);
    },
    async append(path, children, choice) {
      const location = locate(path);
      return (await loadCombine()).appendOnServer(combineContext(location), children, choice);
    },
    list(prefix, choice = {}) {
      const at = parsePrefix(prefix);
      lastBucket = at.bucket;
      const { limit } = choice;
      if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
        throw new RangeError("limit is a positive integer.");
      }
      return new Sequence(async function* () {
        const { listObjects } = await loadObjects();
        const label = objectLabel(options, at.bucket, at.prefix);
        yield* listObjects({ ...at, connection, label, retry }, choice);
      });
    },
    async head(path, choice = {}) {
      const context = objectContext(locate(path));
      return (await loadObjects()).headObject(context, choice);
    },
    async delete(path, choice = {}) {
      const context = { ...objectContext(locate(path)), target };
      return (await loadObjects()).deleteObject(context, choice);
    },
    async copy(from, to, choice) {
      const origin = parseLocation(from);
      const location = locate(to);
      const { copyOnServer } = await loadFeature("copying objects", () => import("./copy-object.js"));
      const context = { ...combineContext(location), ...objectContext(location) };
      return copyOnServer(context, { location: origin, label: labelOf(origin) }, choice);
    },
    async sweep(prefix, choice) {
      const at = parsePrefix(prefix);
      const { sweepUploads } = await loadFeature("sweeping uploads", () => import("./sweep.js"));
      const label = objectLabel(options, at.bucket, at.prefix);
      return sweepUploads({ ...at, connection, label, target, retry }, choice);
    },
    async capabilities(prefix = lastBucket, choice) {
      if (prefix === undefined) throw new TypeError("Name a bucket to probe: 'bucket' or 'bucket/prefix'.");
      const at = parsePrefix(prefix);
      const anonymous = openConnection({ ...settings, credentials: () => undefined });
      const label = objectLabel(options, at.bucket, at.prefix);
      const { findCapabilities } = await loadFeature(
        "probing capabilities",
        () => import("./capabilities.js"),
      );
      return findCapabilities({ ...at, connection, anonymous, label, retry, safety }, choice);
    },
    async presign(path, { method = "GET", query, headers, expiresIn = 3600 } = {}) {
      if (!Number.isInteger(expiresIn) || expiresIn < 1 || expiresIn > MAX_EXPIRES_S) {
        throw new RangeError("expiresIn is a number of seconds from 1 to 604,800.");
      }
      return connection.presign({ method, query, headers, ...locate(path) }, expiresIn);
    },
    close,
  });
}

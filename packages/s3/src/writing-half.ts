import type { ArchiveSink, RangeSource } from "@peekpack/core";
import type { CapabilityOptions, StoreCapabilities } from "./capabilities.js";
import { type ConnectionSettings, objectLabel, openConnection, type S3Connection } from "./connection.js";
import { type ObjectLocation, parseLocation } from "./location.js";
import type { MultipartSinkOptions } from "./multipart-sink.js";
import { parsePrefix } from "./prefix.js";
import type { S3SourceOptions } from "./s3-source.js";
import type { CombinePlace, StoreChild, StoreCombineOptions, StoreCombineResult } from "./server-combine.js";
import type { S3StoreOptions } from "./store.js";
import { storeWriter, type WriterKind } from "./store-writer.js";
import type { OrphanedUpload, SweepOptions } from "./sweep.js";
import type { PutMode, UploadTarget } from "./upload-target.js";

/** What a store knows that its writing half needs. */
export interface StoreContext {
  readonly connection: S3Connection;
  readonly settings: ConnectionSettings;
  readonly kind: WriterKind;
  readonly options: S3StoreOptions;
  /** Reads an object of the store. */
  source(location: ObjectLocation, choice: S3SourceOptions): RangeSource;
}

type Children = Iterable<StoreChild> | AsyncIterable<StoreChild>;

/** Everything that a store does beside reading; loaded when it is first asked for any of it. */
export interface WritingHalf {
  target(location: ObjectLocation, put: PutMode): UploadTarget;
  sink(location: ObjectLocation, put: PutMode, choice: MultipartSinkOptions): Promise<ArchiveSink>;
  combine(
    location: ObjectLocation,
    children: Children,
    choice?: StoreCombineOptions,
  ): Promise<StoreCombineResult>;
  append(
    location: ObjectLocation,
    children: Children,
    choice?: Omit<StoreCombineOptions, "put" | "codec">,
  ): Promise<StoreCombineResult>;
  sweep(prefix: string, choice: SweepOptions): Promise<OrphanedUpload[]>;
  capabilities(prefix: string, choice?: CapabilityOptions): Promise<StoreCapabilities>;
}

/** Makes the writing half of a store. */
export function writingHalf({
  connection: given,
  settings,
  kind,
  options,
  source,
}: StoreContext): WritingHalf {
  const { retry } = options;
  const connection = heeding(given);
  const writer = storeWriter({ connection, settings, kind, retry });
  const labelOf = ({ bucket, key }: ObjectLocation): string => objectLabel(options, bucket, key);
  const target = (at: ObjectLocation, put: PutMode): UploadTarget => writer.target(at, labelOf(at), put);

  /** What combining needs of this store, for one object. */
  const placeOf = (location: ObjectLocation): CombinePlace => {
    const base = objectLabel(options, "", "").slice(0, -1);
    return {
      location,
      label: labelOf(location),
      parse: parseLocation,
      locate: (label) => (label.startsWith(base) ? parseLocation(label.slice(base.length)) : undefined),
      source: (at, version) => source(at, { version }),
      target: async (at, put) => target(at, put),
    };
  };

  return {
    target,
    async sink(location, put, choice) {
      const { multipartSink } = await import("./multipart-sink.js");
      return multipartSink(target(location, put), choice);
    },
    async combine(location, children, choice) {
      const { combineOnServer } = await import("./server-combine.js");
      return combineOnServer(placeOf(location), children, choice);
    },
    async append(location, children, choice) {
      const { appendOnServer } = await import("./server-combine.js");
      return appendOnServer(placeOf(location), children, choice);
    },
    async sweep(prefix, choice) {
      const place = parsePrefix(prefix);
      const { sweepUploads } = await import("./sweep.js");
      return sweepUploads(
        {
          ...place,
          connection,
          label: objectLabel(options, place.bucket, place.prefix),
          target: async (key) => target({ bucket: place.bucket, key }, "overwrite"),
          retry,
        },
        choice,
      );
    },
    async capabilities(prefix, choice) {
      const place = parsePrefix(prefix);
      const anonymous = heeding(openConnection({ ...settings, credentials: () => undefined }));
      const label = objectLabel(options, place.bucket, place.prefix);
      const { findCapabilities } = await import("./capabilities.js");
      return findCapabilities({ ...place, connection, anonymous, label }, choice);
    },
  };
}

/** A connection that heeds every signal at once: not every fetch that a caller hands over does. Sources see to that themselves. */
function heeding(connection: S3Connection): S3Connection {
  return { ...connection, send: (request) => untilAborted(connection.send(request), request.signal) };
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  let leave: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason);
    signal.addEventListener("abort", leave);
  });
  try {
    return await Promise.race([work, aborted]);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", leave!);
  }
}

import type { ArchiveSink, RangeSource } from "@peekpack/core";
import type { CapabilityOptions, StoreCapabilities } from "./capabilities.js";
import { type ConnectionSettings, objectLabel, openConnection, type S3Connection } from "./connection.js";
import { type ObjectLocation, parseLocation } from "./location.js";
import type { MultipartSinkOptions } from "./multipart-sink.js";
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

/** A bucket, or what of it begins with a prefix. */
export interface StorePlace {
  readonly bucket: string;
  readonly prefix: string;
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
  sweep(place: StorePlace, choice: SweepOptions): Promise<OrphanedUpload[]>;
  capabilities(place: StorePlace, choice?: CapabilityOptions): Promise<StoreCapabilities>;
}

/** Makes the writing half of a store. */
export function writingHalf({ connection, settings, kind, options, source }: StoreContext): WritingHalf {
  const { retry } = options;
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
    async sweep(place, choice) {
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
    async capabilities(place, choice) {
      const anonymous = openConnection({ ...settings, credentials: () => undefined });
      const label = objectLabel(options, place.bucket, place.prefix);
      const { findCapabilities } = await import("./capabilities.js");
      return findCapabilities({ ...place, connection, anonymous, label }, choice);
    },
  };
}

import type { ArchiveSink } from "@peekpack/core";
import type { ConnectionSettings, S3Connection } from "./connection.js";
import type { ObjectLocation } from "./location.js";
import { type MultipartSinkOptions, multipartSink } from "./multipart-sink.js";
import type { ObjectOperations } from "./object-operations.js";
import { type EndpointTraits, objectTarget } from "./object-target.js";
import type { WriteRetryOptions } from "./retry.js";
import { sdkClient } from "./sdk-client.js";
import { sdkOperations } from "./sdk-operations.js";
import { signedOperations } from "./signed-operations.js";
import type { PutMode, UploadTarget } from "./upload-target.js";

/** What sends requests that write: the AWS SDK, or fetch. */
export type WriterKind = "sdk" | "fetch";

/** What the writer of a store needs. */
export interface WriterContext {
  readonly connection: S3Connection;
  readonly settings: ConnectionSettings;
  readonly kind: WriterKind;
  readonly retry?: WriteRetryOptions | undefined;
}

/** Writes the objects of a store. */
export interface StoreWriter {
  target(location: ObjectLocation, label: string, put: PutMode): UploadTarget;
  sink(location: ObjectLocation, label: string, put: PutMode, options: MultipartSinkOptions): ArchiveSink;
  /** Closes the sockets of the AWS SDK. */
  close(): Promise<void>;
}

/** Makes the writer of a store. */
export function storeWriter({ connection, settings, kind, retry }: WriterContext): StoreWriter {
  const traits: EndpointTraits = { crc32: true };
  const client = sdkClient(connection, settings, retry);
  const operations = (location: ObjectLocation, label: string): ObjectOperations =>
    kind === "sdk"
      ? sdkOperations(client.open, { Bucket: location.bucket, Key: location.key }, label, client.renew)
      : signedOperations(connection, location, label);
  const target: StoreWriter["target"] = (location, label, put) =>
    objectTarget(operations(location, label), { put, retry, traits });
  return {
    target,
    sink: (location, label, put, options) => multipartSink(target(location, label, put), options),
    close: client.close,
  };
}

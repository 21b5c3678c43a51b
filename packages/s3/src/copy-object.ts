import { PeekpackError, readEngine } from "@peekpack/core";
import type { ObjectLocation } from "./location.js";
import { checkPutMode } from "./put-mode.js";
import { sourceSegment } from "./segment.js";
import { checkCondition, findObject, headObject, type ObjectContext } from "./store-objects.js";
import type { PutMode } from "./upload-target.js";
import {
  type SegmentContext,
  type ServerCopyOptions,
  type ServerCopyResult,
  writeSegments,
} from "./write-segments.js";

/** Options of `store.copy`. */
export interface StoreCopyOptions extends ServerCopyOptions {
  /** How an existing object is treated. Default `create`. */
  readonly put?: PutMode | undefined;
}

/** What copying needs of a store. `location` and `label` are those of the new object. */
export interface CopyContext extends SegmentContext, ObjectContext {}

/** An object to copy. */
export interface CopiedObject {
  readonly location: ObjectLocation;
  readonly label: string;
}

/** Copies an object; see `S3Store.copy`. */
export async function copyOnServer(
  context: CopyContext,
  from: CopiedObject,
  options: StoreCopyOptions = {},
): Promise<ServerCopyResult> {
  const { signal } = options;
  const { location, label } = context;
  const put = checkPutMode(options.put ?? "create");
  if (from.location.bucket === location.bucket && from.location.key === location.key) {
    throw new PeekpackError("unsupported-value", `${label} cannot be copied onto itself.`);
  }
  const { size, etag, versionId } = await headObject({ ...context, ...from }, { signal });
  if (put !== "overwrite") {
    // Before gigabytes are copied for nothing. The server checks again when the object appears.
    const existing = await findObject(context, { signal });
    checkCondition(existing, put, { action: "copy the object", label });
  }
  const version = etag?.startsWith('"') ? etag : versionId;
  const source = readEngine(context.source(from.location, version), { cacheBytes: 0, readAhead: 0 });
  const segment = sourceSegment(source, from.location, { start: 0, end: size }, size, version);
  return writeSegments(context, [segment], put, options);
}

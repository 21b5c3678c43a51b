import {
  Archive,
  type ArchiveSource,
  blobSource,
  bytesSource,
  type CombineChild,
  decodeHeader,
  HEADER_SIZE,
  httpSource,
  isPeekpackError,
  memorySink,
  openArchive,
  PeekpackError,
  type RangeSource,
  readEngine,
  type WriteOptions,
  type WriteResult,
  writeArchive,
} from "@peekpack/core";

import { type CombinedLayout, combinedLayout } from "@peekpack/core/internal";
import { type CopyPlan, type Piece, type PlannedPart, planCopy, type Run } from "./copy-plan.js";
import { DEFAULT_PART_SIZE } from "./limits.js";
import type { ObjectLocation } from "./location.js";
import type { CopySource } from "./object-operations.js";
import { inParallel } from "./parallel.js";
import { type ProgressListener, progressReporter } from "./progress.js";
import { S3Error } from "./s3-error.js";
import type { PutMode, StoredObject, UploadedPart, UploadTarget } from "./upload-target.js";

/** A child of a combined archive on S3. A text is a path in the store, unless it is an http(s) URL. */
export type StoreChild = CombineChild;

/** How archives are combined or appended on the server. */
export interface StoreCombineOptions extends WriteOptions {
  /** How an object that is there already is treated. Default "overwrite". Appending always replaces the version it has read. */
  readonly put?: PutMode | undefined;
  /** Makes all parts but the last of this many bytes, as some services (R2) demand. */
  readonly equalPartSize?: number | undefined;
  /** Requests under way at once. Default 4. */
  readonly concurrency?: number | undefined;
  /** False: nothing is copied by the server, everything passes through here. Default true. */
  readonly copy?: boolean | undefined;
  readonly onProgress?: ProgressListener | undefined;
}

/** What combining or appending has made, and what it has cost. */
export interface StoreCombineResult extends WriteResult {
  /** Bytes that the server copied. */
  readonly copiedBytes: number;
  /** Bytes of archives on S3 that were read, because they were shorter than a part or its edge. */
  readonly readBytes: number;
  /** Bytes that were uploaded. */
  readonly uploadedBytes: number;
  /** In words, why the server did not copy although it might have; absent where it did. */
  readonly notice?: string | undefined;
}

/** What a store gives for it. */
export interface CombinePlace {
  readonly label: string;
  readonly location: ObjectLocation;
  /** Where a label of this store's sources is; undefined for another's. */
  locate(label: string): ObjectLocation | undefined;
  source(location: ObjectLocation, version?: string): RangeSource;
  target(location: ObjectLocation, put: PutMode): Promise<UploadTarget>;
  parse(path: string): ObjectLocation;
}

/** A run of the new object's bytes, and how to get at them. */
interface Material {
  readonly piece: Piece;
  /** Where the server copies it from. */
  readonly from?: Omit<CopySource, "start" | "end">;
  /** Bytes `start` to `end`, counted from the piece's first. */
  read(start: number, end: number, signal: AbortSignal): Promise<Uint8Array>;
}

/** Makes a combined archive of children; see {@link S3Store.combine}. */
export async function combineOnServer(
  place: CombinePlace,
  children: Iterable<StoreChild> | AsyncIterable<StoreChild>,
  options: StoreCombineOptions = {},
): Promise<StoreCombineResult> {
  const found = await resolveChildren(place, children, options);
  const codec = typeof options.codec === "object" ? options.codec.protocol : options.codec;
  const layout = await combinedLayout(found, { codec, pageIndex: options.pageIndex });
  const materials = [held(layout.header), ...found.map(({ material }) => material), ...tail(layout)];
  return make(place, materials, options.put ?? "overwrite", options);
}

/** Adds children to a combined archive in its place; see {@link S3Store.append}. */
export async function appendOnServer(
  place: CombinePlace,
  children: Iterable<StoreChild> | AsyncIterable<StoreChild>,
  options: StoreCombineOptions = {},
): Promise<StoreCombineResult> {
  const archive = await openArchive(place.source(place.location), { signal: options.signal });
  const { version, objectSize = 0 } = archive.info;
  if (version === undefined || !version.startsWith('"')) {
    throw new PeekpackError(
      "conflict",
      `${place.label}: the server shows no ETag, without which appending could lose what others append.`,
      { section: "sink" },
    );
  }
  const found = await resolveChildren(place, children, options);
  const layout = await combinedLayout(found, { onto: archive, pageIndex: options.pageIndex });
  const { kept } = layout;
  const source = place.source(place.location, version);
  const old: Material = {
    piece: { kind: "object", start: kept!.start, end: kept!.end, objectSize },
    from: { ...place.location, ifMatch: version },
    read: reader(source, kept!.start),
  };
  const materials = [held(layout.header), old, ...found.map(({ material }) => material), ...tail(layout)];
  return make(place, materials, { ifMatch: version }, options);
}

/** The table of a combined archive, and its page index if it has one. */
function tail({ table, index }: CombinedLayout): Material[] {
  return index.length === 0 ? [held(table)] : [held(table), held(index)];
}

interface FoundChild {
  readonly name: string | undefined;
  readonly size: number;
  readonly material: Material;
}

/** Looks at every child before anything is sent. */
async function resolveChildren(
  place: CombinePlace,
  children: Iterable<StoreChild> | AsyncIterable<StoreChild>,
  options: StoreCombineOptions,
): Promise<FoundChild[]> {
  const found: FoundChild[] = [];
  for await (const child of children) {
    if (typeof child !== "object" || child === null || "source" in child === "value" in child) {
      throw new TypeError('A child is an object with either a "source" or a "value".');
    }
    const { name } = child;
    if (name !== undefined && typeof name !== "string") throw new TypeError("A child's name is a string.");
    const material =
      "source" in child
        ? await existing(place, child.source, name, options.signal)
        : await encoded(child.value, options);
    const { piece } = material;
    found.push({ name, size: piece.kind === "bytes" ? piece.size : piece.end - piece.start, material });
  }
  return found;
}

async function encoded(value: unknown, options: StoreCombineOptions): Promise<Material> {
  const sink = memorySink();
  await writeArchive(sink, value, options);
  return held(sink.bytes());
}

/** A child that exists: on this store, where it can be copied, or anywhere else. */
async function existing(
  place: CombinePlace,
  given: Archive | ArchiveSource,
  name: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Material> {
  if (given instanceof Archive) {
    const { label, offset, size, objectSize = offset + size, version } = given.info;
    const source = given.source;
    return material(place, source, label, { start: offset, end: offset + size }, objectSize, version);
  }
  const source = sourceOf(place, given);
  const { size, version, head } = await source.probe({ head: HEADER_SIZE, tail: 0 }, { signal });
  try {
    decodeHeader(head, size);
  } catch (error) {
    if (!isPeekpackError(error)) throw error;
    const who = name === undefined ? source.label : `"${name}" (${source.label})`;
    throw new PeekpackError(error.code, `${who} cannot be a child: ${error.message}`, { section: "header" });
  }
  return material(place, source, source.label, { start: 0, end: size }, size, version);
}

function sourceOf(place: CombinePlace, given: ArchiveSource): RangeSource {
  if (typeof given === "string" && !/^https?:/.test(given)) {
    return readEngine(place.source(place.parse(given)), { cacheBytes: 0, readAhead: 0 });
  }
  if (typeof given === "string" || given instanceof URL)
    return readEngine(httpSource(given), { cacheBytes: 0 });
  if (given instanceof Uint8Array || given instanceof ArrayBuffer) return bytesSource(given);
  if (given instanceof Blob) return blobSource(given);
  return given;
}

function material(
  place: CombinePlace,
  source: RangeSource,
  label: string,
  { start, end }: { readonly start: number; readonly end: number },
  objectSize: number,
  version: string | undefined,
): Material {
  const location = place.locate(label);
  if (location !== undefined && label === place.label) {
    throw new PeekpackError("unsupported-value", `${label} cannot be combined into itself.`);
  }
  const read = reader(source, start);
  // Without a version nothing would hold the copy to what was looked at.
  if (location === undefined || version === undefined) {
    return { piece: { kind: "bytes", size: end - start }, read };
  }
  const pin = version.startsWith('"') ? { ifMatch: version } : { versionId: version };
  return { piece: { kind: "object", start, end, objectSize }, from: { ...location, ...pin }, read };
}

function reader(source: RangeSource, offset: number): Material["read"] {
  return async (start, end, signal) =>
    (await source.read([{ start: offset + start, end: offset + end }], { signal }))[0]!;
}

function held(bytes: Uint8Array): Material {
  return {
    piece: { kind: "bytes", size: bytes.length },
    read: async (start, end) => bytes.subarray(start, end),
  };
}

/** Makes the object. Where the server turns out not to copy, everything passes through here, and the result says so. */
async function make(
  place: CombinePlace,
  materials: readonly Material[],
  put: PutMode,
  options: StoreCombineOptions,
): Promise<StoreCombineResult> {
  const target = await place.target(place.location, put);
  const able = (options.copy ?? true) && target.copyPart !== undefined;
  try {
    return await run(place, target, materials, able, options);
  } catch (error) {
    if (!able || !(error instanceof S3Error) || !cannotCopy(error)) throw error;
    const result = await run(place, target, materials, false, options);
    return {
      ...result,
      notice: `The server cannot copy parts (${error.s3Code ?? error.status}); ${result.readBytes} bytes were read and uploaded instead.`,
    };
  }
}

function cannotCopy({ status, s3Code }: S3Error): boolean {
  return status === 501 || status === 405 || s3Code === "NotImplemented" || s3Code === "MethodNotAllowed";
}

async function run(
  place: CombinePlace,
  target: UploadTarget,
  materials: readonly Material[],
  copy: boolean,
  options: StoreCombineOptions,
): Promise<StoreCombineResult> {
  const { signal, equalPartSize } = options;
  const plan = planCopy(
    materials.map(({ piece }) => piece),
    { equalPartSize, copy },
  );
  const progress = progressReporter(options.onProgress);
  progress.update({ phase: "uploading", bytesProduced: plan.size, totalBytes: plan.size });
  const told = (stored: StoredObject): StoreCombineResult => {
    progress.update({ phase: "done", bytesUploaded: plan.size });
    return {
      size: plan.size,
      version: stored.etag ?? stored.versionId,
      location: target.label,
      copiedBytes: plan.copied,
      readBytes: plan.read,
      uploadedBytes: plan.size - plan.copied,
    };
  };
  if (plan.copied === 0 && plan.size <= DEFAULT_PART_SIZE) {
    const body = await assemble(
      materials,
      plan.parts.flatMap(({ runs }) => runs),
      plan.size,
      signal,
    );
    return told(await target.putObject(body, { signal }));
  }
  if (plan.stages.length === 0) {
    return told(
      await upload(target, materials, plan.parts, options, (bytes) =>
        progress.update({ bytesUploaded: bytes }),
      ),
    );
  }
  return told(await staged(place, target, materials, plan, options));
}

/** Makes the objects that the plan wants first, the final one of them, and removes them, whatever becomes of it. */
async function staged(
  place: CombinePlace,
  target: UploadTarget,
  materials: readonly Material[],
  plan: CopyPlan,
  options: StoreCombineOptions,
): Promise<StoredObject> {
  const id = crypto.randomUUID();
  const made: UploadTarget[] = [];
  const whole: Material[] = [];
  try {
    for (const [i, parts] of plan.stages.entries()) {
      const location = { ...place.location, key: `${place.location.key}.peekpack-stage-${id}-${i}` };
      const stage = await place.target(location, "create");
      made.push(stage);
      const { etag } = await upload(stage, materials, parts, options);
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      whole.push({
        piece: { kind: "object", start: 0, end: size, objectSize: size },
        from: { ...location, ...(etag === undefined ? {} : { ifMatch: etag }) },
        read: reader(place.source(location, etag), 0),
      });
    }
    return await upload(target, whole, plan.parts, options);
  } finally {
    for (const stage of made) await stage.removeObject?.().catch(() => {});
  }
}

async function upload(
  target: UploadTarget,
  materials: readonly Material[],
  planned: readonly PlannedPart[],
  { signal, concurrency = 4 }: StoreCombineOptions,
  onBytes?: (bytes: number) => void,
): Promise<StoredObject> {
  // Copied parts come without a checksum, and an upload has them for all of its parts or for none.
  const open = await target.createUpload({ signal, checksums: false });
  const parts: UploadedPart[] = [];
  let bytes = 0;
  try {
    await inParallel(planned.length, concurrency, signal, async (index, inner) => {
      const { copied, runs, size } = planned[index]!;
      const { from, piece } = materials[runs[0]!.piece]!;
      if (copied && from !== undefined && piece.kind === "object") {
        const [{ start, end }] = runs as [Run];
        const range = { start: piece.start + start, end: piece.start + end };
        parts[index] = await target.copyPart!(open, index + 1, { ...from, ...range }, { signal: inner });
      } else {
        const body = await assemble(materials, runs, size, inner);
        parts[index] = await target.uploadPart(open, index + 1, body, { signal: inner });
      }
      bytes += size;
      onBytes?.(bytes);
    });
    signal?.throwIfAborted();
    return await target.completeUpload(open, parts, { signal });
  } catch (error) {
    // The error that led here is the one to be told; what cannot be removed now is found by a sweep.
    await target.abortUpload(open).catch(() => {});
    throw error;
  }
}

async function assemble(
  materials: readonly Material[],
  runs: readonly Run[],
  size: number,
  signal: AbortSignal = new AbortController().signal,
): Promise<Uint8Array> {
  const body = new Uint8Array(size);
  let at = 0;
  for (const { piece, start, end } of runs) {
    body.set(await materials[piece]!.read(start, end, signal), at);
    at += end - start;
  }
  return body;
}

import { keyDecoder, type ListContext, requestList } from "./list-request.js";
import type { ObjectLocation } from "./location.js";
import { S3Error } from "./s3-error.js";
import type { PutMode, UploadTarget } from "./upload-target.js";
import { xmlElements, xmlText } from "./xml.js";

/** Options of `store.sweep`. */
export interface SweepOptions {
  /**
   * Sweeps only uploads that were begun before this date, or more than this many milliseconds ago. Choose more than the longest
   * write takes: an upload in progress would lose its parts.
   */
  readonly olderThan: Date | number;
  /**
   * Also sweeps uploads of other identities. Default false. If a server does not tell who has begun an upload, all count as this
   * store's.
   */
  readonly others?: boolean | undefined;
  /** Lists the uploads without aborting them. Default false. */
  readonly dryRun?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A multipart upload that was neither completed nor aborted. */
export interface OrphanedUpload {
  readonly key: string;
  readonly uploadId: string;
  /** When it was begun, by the server's clock. */
  readonly initiated: Date;
  /** Who began it, if the server tells. */
  readonly initiator: string | undefined;
}

/** What sweeping needs of a store. */
export interface SweepContext extends ListContext {
  target(location: ObjectLocation, put: PutMode): Promise<UploadTarget>;
}

/** Aborts orphaned uploads under a prefix; see `S3Store.sweep`. */
export async function sweepUploads(context: SweepContext, options: SweepOptions): Promise<OrphanedUpload[]> {
  const { signal, others = false, dryRun = false } = options;
  const latest = latestDate(options.olderThan);
  const old = (await listUploads(context, context.prefix, signal)).filter(
    ({ initiated }) => initiated <= latest,
  );
  if (old.length === 0) return [];
  const self = others ? undefined : await ownInitiator(context, signal);
  const orphans = others ? old : old.filter(({ initiator }) => initiator === self);
  if (dryRun) return orphans;
  for (const { key, uploadId } of orphans) {
    const target = await targetOf(context, key);
    await target.abortUpload({ id: uploadId, crc32: false }, { signal });
  }
  return orphans;
}

/** @throws TypeError unless it is a date or a non-negative number */
function latestDate(olderThan: Date | number): Date {
  const date = typeof olderThan === "number" ? new Date(Date.now() - olderThan) : olderThan;
  if (
    !(date instanceof Date) ||
    Number.isNaN(date.getTime()) ||
    (typeof olderThan === "number" && olderThan < 0)
  ) {
    throw new TypeError("olderThan is a Date or a number of milliseconds.");
  }
  return date;
}

function targetOf({ bucket, target }: SweepContext, key: string): Promise<UploadTarget> {
  return target({ bucket, key }, "overwrite");
}

/** The initiator that the server records for this store. Begins an upload, lists it, and aborts it. */
async function ownInitiator(
  context: SweepContext,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const key = `${context.prefix}.peekpack-sweep-${crypto.randomUUID()}`;
  const target = await targetOf(context, key);
  const upload = await target.createUpload({ signal });
  try {
    const uploads = await listUploads(context, key, signal);
    return uploads.find(({ uploadId }) => uploadId === upload.id)?.initiator;
  } finally {
    await target.abortUpload(upload);
  }
}

/**
 * Lists the uploads of keys that begin with `prefix`. Some servers list uploads only for the empty prefix or the exact key, and a
 * server may list any key, so this filters the list.
 */
async function listUploads(
  context: SweepContext,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<OrphanedUpload[]> {
  const matching = (uploads: OrphanedUpload[]) => uploads.filter(({ key }) => key.startsWith(prefix));
  const found = matching(await listPages(context, prefix, signal));
  return found.length > 0 || prefix === "" ? found : matching(await listPages(context, "", signal));
}

/** Lists the uploads that the server lists for `prefix`, page by page. */
async function listPages(
  context: SweepContext,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<OrphanedUpload[]> {
  const uploads: OrphanedUpload[] = [];
  let markers: Readonly<Record<string, string>> = {};
  for (;;) {
    const page = await listPage(context, prefix, markers, signal);
    const decode = keyDecoder(page);
    for (const upload of xmlElements(page, "Upload")) {
      const [initiator] = xmlElements(upload, "Initiator");
      const key = xmlText(upload, "Key");
      const uploadId = xmlText(upload, "UploadId");
      // Without them, the request to abort it would be one to delete an object or the bucket.
      if (!key || !uploadId) continue;
      uploads.push({
        key: decode(key),
        uploadId,
        initiated: new Date(xmlText(upload, "Initiated") ?? Number.NaN),
        initiator: initiator === undefined ? undefined : xmlText(initiator, "ID") || undefined,
      });
    }
    const key = xmlText(page, "NextKeyMarker");
    if (xmlText(page, "IsTruncated") !== "true" || !key) return uploads;
    const next = {
      "key-marker": decode(key),
      "upload-id-marker": xmlText(page, "NextUploadIdMarker") ?? "",
    };
    // The marker must advance, or this would not end.
    if (JSON.stringify(next) === JSON.stringify(markers)) return uploads;
    markers = next;
  }
}

async function listPage(
  context: SweepContext,
  prefix: string,
  markers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<string> {
  try {
    return await requestList({ ...context, prefix }, "list the uploads", { uploads: "", ...markers }, signal);
  } catch (error) {
    // versitygw 1.8 refuses its own upload id as a marker. Without it, the list goes on after the key.
    const { "upload-id-marker": id, ...keyOnly } = markers;
    if (id === undefined || !(error instanceof S3Error) || error.status !== 400) throw error;
    return listPage(context, prefix, keyOnly, signal);
  }
}

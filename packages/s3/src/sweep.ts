import { PeekpackError } from "@peekpack/core";
import type { S3Connection } from "./connection.js";
import { persist, type RetryOptions } from "./persistence.js";
import { S3Error, s3Error, systemCode } from "./s3-error.js";
import type { UploadTarget } from "./upload-target.js";
import { boundedText, xmlElements, xmlText } from "./xml.js";

/** Which uploads are swept. */
export interface SweepOptions {
  /**
   * Only uploads begun before this date, or longer ago than so many milliseconds. Longer than the longest write takes: one that
   * is still at work would lose its parts.
   */
  readonly olderThan: Date | number;
  /**
   * Also sweeps uploads that others have begun. Default false: only those of the same identity as this store's. Where a server
   * does not tell who has begun an upload, all count as this store's.
   */
  readonly others?: boolean | undefined;
  /** Looks only. Default false. */
  readonly dryRun?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A multipart upload that was neither completed nor aborted. */
export interface OrphanedUpload {
  readonly key: string;
  readonly uploadId: string;
  /** When it was begun, by the server's clock. */
  readonly initiated: Date;
  /** Who began it, where the server tells. */
  readonly initiator: string | undefined;
}

/** What sweeping needs of a store. */
export interface SweepPlace {
  readonly connection: S3Connection;
  readonly bucket: string;
  readonly prefix: string;
  readonly label: string;
  readonly retry: RetryOptions | undefined;
  target(key: string): Promise<UploadTarget>;
}

/** Aborts orphaned uploads below a prefix and gives what it has aborted, or with `dryRun` would have. */
export async function sweepUploads(place: SweepPlace, options: SweepOptions): Promise<OrphanedUpload[]> {
  const { signal, others = false, dryRun = false } = options;
  const before = latest(options.olderThan);
  const old = (await listUploads(place, place.prefix, signal)).filter(({ initiated }) => initiated <= before);
  if (old.length === 0) return [];
  const self = others ? undefined : await whoAmI(place, signal);
  const orphans = others ? old : old.filter(({ initiator }) => initiator === self);
  if (dryRun) return orphans;
  for (const { key, uploadId } of orphans) {
    await (await place.target(key)).abortUpload({ id: uploadId, crc32: false }, { signal });
  }
  return orphans;
}

/** @throws TypeError when it is neither a date nor a length of time */
function latest(olderThan: Date | number): Date {
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

/** As whom the server knows this store: it begins an upload, looks who is said to have, and aborts it. */
async function whoAmI(place: SweepPlace, signal: AbortSignal | undefined): Promise<string | undefined> {
  const key = `${place.prefix}.peekpack-sweep-${crypto.randomUUID()}`;
  const target = await place.target(key);
  const upload = await target.createUpload({ signal });
  try {
    return (await listUploads(place, key, signal)).find(({ uploadId }) => uploadId === upload.id)?.initiator;
  } finally {
    await target.abortUpload(upload);
  }
}

/** Lists the uploads of keys that begin with `prefix`, page after page. */
async function listUploads(
  place: SweepPlace,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<OrphanedUpload[]> {
  const uploads: OrphanedUpload[] = [];
  let markers: Readonly<Record<string, string>> = {};
  for (;;) {
    const page = await listPage(place, prefix, markers, signal);
    const decode = xmlText(page, "EncodingType") === "url" ? decodeKey : (key: string): string => key;
    for (const upload of xmlElements(page, "Upload")) {
      const [initiator] = xmlElements(upload, "Initiator");
      uploads.push({
        key: decode(xmlText(upload, "Key") ?? ""),
        uploadId: xmlText(upload, "UploadId") ?? "",
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
    // A server whose marker stands still would be asked for ever.
    if (JSON.stringify(next) === JSON.stringify(markers)) return uploads;
    markers = next;
  }
}

async function listPage(
  place: SweepPlace,
  prefix: string,
  markers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { connection, bucket, label, retry } = place;
  const failed = { doing: "list the uploads", label };
  const query = { uploads: "", prefix, "encoding-type": "url", ...markers };
  try {
    return await persist(
      async (now) => {
        try {
          const response = await connection.send({ method: "GET", bucket, query, signal: now.signal });
          const text = await boundedText(response, 4 * 2 ** 20);
          if (response.ok) return text;
          throw s3Error({ status: response.status, s3Code: xmlText(text, "Code") }, failed);
        } catch (error) {
          now.signal.throwIfAborted();
          throw error instanceof PeekpackError ? error : s3Error({ s3Code: systemCode(error) }, failed);
        }
      },
      { ...failed, retry, signal },
    );
  } catch (error) {
    // versitygw 1.8 refuses the upload id that it has given as a marker itself; the key alone goes on behind that key.
    const { "upload-id-marker": id, ...keyOnly } = markers;
    if (id === undefined || !(error instanceof S3Error) || error.status !== 400) throw error;
    return listPage(place, prefix, keyOnly, signal);
  }
}

// As forms encode: a plus stands for a blank.
function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll("+", " "));
}

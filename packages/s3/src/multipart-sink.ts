import { HEADER_SIZE, isPeekpackError, type WriteResult } from "@peekpack/core";
import { crc32 } from "@peekpack/core/internal";
import { checkConcurrency } from "./concurrency.js";
import type { DisposableSink } from "./disposable-sink.js";
import { putEtag, sameTag } from "./etag.js";
import { type PartSizing, partSizing } from "./limits.js";
import { serialSink } from "./serial-sink.js";
import type { UploadJournal, UploadState } from "./upload.js";
import { type ProgressListener, type ProgressReporter, progressReporter } from "./upload-progress.js";
import type { OpenUpload, StoredObject, UploadedPart, UploadTarget } from "./upload-target.js";

/** Options of {@link multipartSink}. */
export interface MultipartSinkOptions {
  /** Size of every part but the last in bytes. Default 16 MiB, more if 10,000 parts would not hold `maxSize`. */
  readonly partSize?: number | undefined;
  /** Upper bound of the archive's size in bytes, if it is known. It decides about the part size. */
  readonly maxSize?: number | undefined;
  /**
   * Lets parts grow with their number, so that 10,000 parts hold 5.5 times as much. Memory grows with them. Some services (R2)
   * accept equal parts only. Default false.
   */
  readonly growing?: boolean | undefined;
  /**
   * Parts that are uploaded at once, including the one that is being filled. Memory: `concurrency` + 1 parts, because the first
   * part is kept until the end. Default 4.
   */
  readonly concurrency?: number | undefined;
  /** Ends the write, which rejects with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener | undefined;
  /** Records what a later process needs to `resume`. */
  readonly journal?: UploadJournal | undefined;
  /**
   * The upload of an earlier write of the same bytes. Parts that are on the server already, with the same size and checksum, are
   * not sent again.
   */
  readonly resume?: UploadState | undefined;
  /** Leaves the parts on the server if the write fails, so that it can be resumed. Default false. */
  readonly keepParts?: boolean | undefined;
}

/**
 * Uploads an archive while it is produced, without a disk. The first part stays in memory and is uploaded last, because it
 * contains the header. Then the upload is completed, and the object appears. An archive of one part becomes one PUT. If the write
 * fails, the parts are removed, and the object is unchanged. Memory: `concurrency` + 1 parts.
 * @throws RangeError if the options exceed S3's limits
 * @throws PeekpackError from its methods: `limit` after 10,000 parts, and as {@link UploadTarget} does
 */
export function multipartSink(target: UploadTarget, options: MultipartSinkOptions = {}): DisposableSink {
  const controller = new AbortController();
  const writer = new MultipartWriter(
    target,
    partSizing(options),
    checkConcurrency(options.concurrency),
    options,
    controller,
  );
  return serialSink({
    label: target.label,
    copies: true,
    signal: options.signal,
    controller,
    write: (chunk) => writer.write(chunk),
    async finish(header): Promise<WriteResult> {
      const { size, etag, versionId } = await writer.finish(header);
      return { size, version: etag, versionId, location: target.label };
    },
    cleanUp: (reason) => writer.abandon(reason),
  });
}

/** A part that is being filled. */
interface FillingPart {
  readonly number: number;
  readonly bytes: Uint8Array;
  length: number;
}

class MultipartWriter {
  readonly #target: UploadTarget;
  readonly #sizing: PartSizing;
  readonly #concurrency: number;
  readonly #options: MultipartSinkOptions;
  readonly #progress: ProgressReporter;
  /** Ends all requests. */
  readonly #controller: AbortController;
  readonly #uploading = new Set<Promise<void>>();
  readonly #uploaded: UploadedPart[] = [];
  readonly #spareBuffers: Uint8Array[] = [];
  /** Parts on the server from an earlier write, by number. */
  #existing: Map<number, UploadedPart> | undefined;
  #upload: OpenUpload | undefined;
  #first: FillingPart | undefined;
  #filling: FillingPart | undefined;
  #partCount = 0;
  #produced = 0;

  constructor(
    target: UploadTarget,
    sizing: PartSizing,
    concurrency: number,
    options: MultipartSinkOptions,
    controller: AbortController,
  ) {
    this.#target = target;
    this.#sizing = sizing;
    this.#concurrency = concurrency;
    this.#options = options;
    this.#controller = controller;
    this.#progress = progressReporter(options.onProgress);
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let offset = 0; offset < chunk.length; ) {
      this.#controller.signal.throwIfAborted();
      if (this.#filling === undefined) {
        // Filling takes less time than uploading: waits before the next part takes up memory.
        await this.#waitForSlot();
        this.#filling = this.#nextPart();
      }
      const part = this.#filling;
      const taken = Math.min(chunk.length - offset, part.bytes.length - part.length);
      part.bytes.set(chunk.subarray(offset, offset + taken), part.length);
      part.length += taken;
      offset += taken;
      this.#produced += taken;
      if (part.length === part.bytes.length) {
        this.#filling = undefined;
        if (part.number === 1) this.#first = part;
        else await this.#startUploading(part);
      }
    }
    this.#progress.update({ bytesProduced: this.#produced }, true);
  }

  async finish(header: Uint8Array): Promise<StoredObject> {
    const size = header.length + this.#produced;
    const first = this.#first ?? this.#filling ?? this.#nextPart();
    const last = this.#first === undefined ? undefined : this.#filling;
    this.#progress.update({ phase: "uploading", bytesProduced: size, totalBytes: size });
    const body = withHeader(first, header);
    const single = this.#upload === undefined && last === undefined && this.#options.resume === undefined;
    const stored = single ? await this.#putObject(body) : await this.#complete(body, last);
    this.#release();
    this.#progress.update({ phase: "done" });
    return stored;
  }

  /** Ends all requests, waits for them, and removes the parts from the server. */
  async abandon(reason: unknown): Promise<void> {
    this.#controller.abort(reason);
    this.#release();
    // A part that arrives after the upload was aborted would recreate it.
    await Promise.allSettled(this.#uploading);
    if (this.#upload === undefined || this.#options.keepParts) return;
    const gone = await this.#target.abortUpload(this.#upload).then(
      () => true,
      () => false,
    );
    await this.#options.journal?.abandoned(this.#upload, gone).catch(() => {});
  }

  async #putObject(body: Uint8Array): Promise<StoredObject> {
    this.#progress.update({ parts: { uploaded: 0, total: 1 } });
    await this.#options.journal?.committing();
    const stored = await this.#target.putObject(body, { signal: this.#controller.signal });
    this.#progress.update({ bytesUploaded: body.length, parts: { uploaded: 1, total: 1 } });
    return stored;
  }

  async #complete(first: Uint8Array, last: FillingPart | undefined): Promise<StoredObject> {
    const { signal } = this.#controller;
    if (last !== undefined) await this.#startUploading(last);
    while (this.#uploading.size > 0) await Promise.race(this.#uploading);
    signal.throwIfAborted();
    // Without the first part an unfinished upload cannot be completed.
    await this.#uploadPart(1, first);
    const parts = this.#uploaded.toSorted((a, b) => a.number - b.number);
    this.#progress.update({ phase: "completing" });
    await this.#options.journal?.committing();
    return this.#target.completeUpload(this.#upload!, parts, { signal });
  }

  #release(): void {
    this.#first = undefined;
    this.#filling = undefined;
    this.#spareBuffers.length = 0;
  }

  #nextPart(): FillingPart {
    const number = ++this.#partCount;
    const size = this.#sizing.of(number);
    const spare = this.#spareBuffers.findIndex((bytes) => bytes.length === size);
    const bytes = spare >= 0 ? this.#spareBuffers.splice(spare, 1)[0]! : new Uint8Array(size);
    return { number, bytes, length: number === 1 ? HEADER_SIZE : 0 };
  }

  /** Waits until fewer than `concurrency` parts are being uploaded. */
  async #waitForSlot(): Promise<void> {
    while (this.#uploading.size >= this.#concurrency) await Promise.race(this.#uploading);
    this.#controller.signal.throwIfAborted();
  }

  /** Starts to upload a part. There is a slot for it: `write` waited for one before it filled the part. */
  async #startUploading(part: FillingPart): Promise<void> {
    await this.#begin();
    const upload: Promise<void> = this.#uploadPart(part.number, part.bytes.subarray(0, part.length)).then(
      () => {
        this.#uploading.delete(upload);
        this.#spareBuffers.push(part.bytes);
      },
      (error: unknown) => {
        this.#uploading.delete(upload);
        this.#controller.abort(error);
      },
    );
    this.#uploading.add(upload);
  }

  /** Begins an upload, or resumes the given one. */
  async #begin(): Promise<void> {
    if (this.#upload !== undefined) return;
    const { signal } = this.#controller;
    const { resume, journal } = this.#options;
    if (resume !== undefined && resume.partSize === this.#sizing.of(1)) {
      try {
        const parts = await this.#target.listParts(resume.upload, { signal });
        this.#existing = new Map(parts.map((part) => [part.number, part]));
        this.#upload = resume.upload;
        return;
      } catch (error) {
        if (!isPeekpackError(error) || error.code !== "not-found") throw error;
      }
    }
    this.#upload = await this.#target.createUpload({ signal });
    await journal?.begun(this.#upload, this.#sizing.of(1));
  }

  /** Uploads one part unless the server has it. */
  async #uploadPart(number: number, body: Uint8Array): Promise<void> {
    await this.#begin();
    const existing = this.#existing?.get(number);
    const part =
      existing !== undefined && hasBytes(existing, body)
        ? existing
        : await this.#target.uploadPart(this.#upload!, number, body, { signal: this.#controller.signal });
    this.#uploaded.push(part);
    await this.#options.journal?.uploaded(part);
    this.#progress.update({
      bytesUploaded: this.#uploaded.reduce((sum, { size }) => sum + size, 0),
      parts: {
        uploaded: this.#uploaded.length,
        total: this.#progress.now.totalBytes === undefined ? undefined : this.#partCount,
      },
    });
  }
}

/** The first part with the header at its start. Moves the data if the header has an unusual length. */
function withHeader({ bytes, length }: FillingPart, header: Uint8Array): Uint8Array {
  if (header.length === HEADER_SIZE) {
    bytes.set(header);
    return bytes.subarray(0, length);
  }
  const body = new Uint8Array(header.length + length - HEADER_SIZE);
  body.set(header);
  body.set(bytes.subarray(HEADER_SIZE, length), header.length);
  return body;
}

/** Whether a part on the server has these bytes. */
function hasBytes(part: UploadedPart, body: Uint8Array): boolean {
  if (part.size !== body.length) return false;
  if (part.crc32 !== undefined && part.crc32 !== crc32(body)) return false;
  // A CRC can be forged, so the ETag must match as well.
  return sameTag(part.etag, putEtag(body));
}

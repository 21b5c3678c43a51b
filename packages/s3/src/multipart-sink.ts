import {
  type ArchiveSink,
  HEADER_SIZE,
  isPeekpackError,
  PeekpackError,
  type WriteResult,
} from "@peekpack/core";
import { crc32 } from "./crc32.js";
import { putEtag, sameTag } from "./etag.js";
import { type PartSizing, partSizing } from "./limits.js";
import { type ProgressListener, progressReporter } from "./progress.js";
import { checkConcurrency, type UploadJournal, type UploadState } from "./upload.js";
import type { OpenUpload, StoredObject, UploadedPart, UploadTarget } from "./upload-target.js";

/** How bytes go up while they are produced. */
export interface MultipartSinkOptions {
  /** Size of every part but the last in bytes. Default 16 MiB, more where 10,000 parts would not hold `maxSize`. */
  readonly partSize?: number | undefined;
  /** Largest size that the archive may get, in bytes, where anybody knows: decides about the part size. */
  readonly maxSize?: number | undefined;
  /**
   * Lets parts grow with their number, so that ten thousand hold 5.5 times as much; memory grows with them. Some services
   * (R2) take equal parts only. Default false.
   */
  readonly growing?: boolean | undefined;
  /** Parts under way at once, the one that is being filled among them. The first is in memory besides. Default 3. */
  readonly concurrency?: number | undefined;
  /** Ends the write, which then rejects with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener | undefined;
  /** Told what a later process needs to know, should it want to `resume`. */
  readonly journal?: UploadJournal | undefined;
  /**
   * An upload that an earlier write of the very same bytes has left: parts that the server has already, by size and
   * checksum, are not sent again.
   */
  readonly resume?: UploadState | undefined;
  /** Leaves the parts on the server when the write fails, so that it can be resumed. Default false. */
  readonly keepParts?: boolean | undefined;
}

/**
 * Sends an archive up while it is produced, without a disk. The first part stays in memory, whole and of full size, and goes
 * up last with the header in it; then the upload is completed, and the object appears. An archive of one part becomes one
 * PUT. Memory: `concurrency` + 1 parts. When anything fails the parts are removed, and the old object is as it was.
 * @throws RangeError when the options exceed S3's limits
 * @throws PeekpackError from its calls: `limit` beyond 10,000 parts, and what the target throws
 */
export function multipartSink(target: UploadTarget, options: MultipartSinkOptions = {}): ArchiveSink {
  const sizing = partSizing(options);
  const writer = new MultipartWriter(target, sizing, checkConcurrency(options.concurrency ?? 3), options);
  let state: "open" | "finished" | "failed" = "open";
  let last: Promise<unknown> = Promise.resolve();
  /** One call after the other; a failed one gives up the whole. */
  const step = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(async () => {
      if (state !== "open") throw new PeekpackError("closed", "This sink is closed.", { section: "sink" });
      try {
        options.signal?.throwIfAborted();
        return await work();
      } catch (error) {
        state = "failed";
        await writer.giveUp(error);
        throw error;
      }
    });
    last = result.catch(() => {});
    return result;
  };
  return {
    label: target.label,
    copies: true,
    write: (chunk) => step(() => writer.write(chunk)),
    finish: (header) =>
      step(async () => {
        const stored = await writer.finish(header);
        state = "finished";
        return {
          size: stored.size,
          version: stored.etag ?? stored.versionId,
          location: target.label,
        } satisfies WriteResult;
      }),
    async abort(reason) {
      // What is under way is stopped first: the last call may be waiting for it.
      if (state === "open") writer.stop(reason);
      await last;
      if (state !== "open") return;
      state = "failed";
      await writer.giveUp(reason);
    },
  };
}

/** A part that is being filled. */
interface Filling {
  readonly number: number;
  readonly bytes: Uint8Array;
  length: number;
}

class MultipartWriter {
  readonly #target: UploadTarget;
  readonly #sizing: PartSizing;
  readonly #concurrency: number;
  readonly #options: MultipartSinkOptions;
  readonly #progress: ReturnType<typeof progressReporter>;
  readonly #controller = new AbortController();
  readonly #follow: () => void;
  readonly #underWay = new Set<Promise<void>>();
  readonly #parts: UploadedPart[] = [];
  readonly #spare: Uint8Array[] = [];
  /** Parts that an earlier write has left on the server, by number. */
  #left: Map<number, UploadedPart> | undefined;
  #upload: OpenUpload | undefined;
  #first: Filling | undefined;
  #filling: Filling | undefined;
  /** Parts begun so far. */
  #begun = 0;
  #produced = 0;

  constructor(target: UploadTarget, sizing: PartSizing, concurrency: number, options: MultipartSinkOptions) {
    this.#target = target;
    this.#sizing = sizing;
    this.#concurrency = concurrency;
    this.#options = options;
    this.#progress = progressReporter(options.onProgress);
    this.#follow = () => this.#controller.abort(options.signal?.reason);
    options.signal?.addEventListener("abort", this.#follow);
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      this.#controller.signal.throwIfAborted();
      if (this.#filling === undefined) {
        // A part is filled in a moment, and then waits for its turn: it may as well wait before it takes up memory.
        await this.#turn();
        this.#filling = this.#next();
      }
      const part = this.#filling;
      const taken = Math.min(chunk.length - at, part.bytes.length - part.length);
      part.bytes.set(chunk.subarray(at, at + taken), part.length);
      part.length += taken;
      at += taken;
      this.#produced += taken;
      if (part.length === part.bytes.length) await this.#full(part);
    }
    this.#progress.update({ bytesProduced: this.#produced }, true);
  }

  async finish(header: Uint8Array): Promise<StoredObject> {
    const { signal } = this.#controller;
    const size = header.length + this.#produced;
    const first = this.#first ?? this.#filling ?? this.#next();
    const rest = this.#first === undefined ? undefined : this.#filling;
    this.#progress.update({ phase: "uploading", bytesProduced: size, totalBytes: size });
    const body = withHeader(first, header);
    let stored: StoredObject;
    if (this.#upload === undefined && rest === undefined && this.#options.resume === undefined) {
      this.#progress.update({ parts: { uploaded: 0, total: 1 } });
      await this.#options.journal?.committing();
      stored = await this.#target.putObject(body, { signal });
      this.#progress.update({ bytesUploaded: size, parts: { uploaded: 1, total: 1 } });
    } else {
      if (rest !== undefined) await this.#send(rest);
      while (this.#underWay.size > 0) await Promise.race(this.#underWay);
      signal.throwIfAborted();
      // With this part the server has all of it, and not before: what is not finished can never be completed.
      await this.#put(1, body);
      const parts = this.#parts.toSorted((a, b) => a.number - b.number);
      this.#progress.update({ phase: "completing" });
      await this.#options.journal?.committing();
      stored = await this.#target.completeUpload(this.#upload!, parts, { signal });
    }
    this.#leave();
    this.#progress.update({ phase: "done" });
    return stored;
  }

  /** Stops what is under way. */
  stop(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Stops, waits for what is under way, and removes the parts from the server. */
  async giveUp(reason: unknown): Promise<void> {
    this.stop(reason);
    this.#leave();
    // A part that arrives after the upload was aborted would bring it back.
    await Promise.allSettled(this.#underWay);
    if (this.#upload === undefined || this.#options.keepParts) return;
    const gone = await this.#target.abortUpload(this.#upload).then(
      () => true,
      () => false,
    );
    await this.#options.journal?.abandoned(this.#upload, gone).catch(() => {});
  }

  #leave(): void {
    this.#options.signal?.removeEventListener("abort", this.#follow);
    this.#first = undefined;
    this.#filling = undefined;
    this.#spare.length = 0;
  }

  /** Begins the next part. */
  #next(): Filling {
    const number = ++this.#begun;
    const size = this.#sizing.of(number);
    const spare = this.#spare.findIndex((bytes) => bytes.length === size);
    const bytes = spare >= 0 ? this.#spare.splice(spare, 1)[0]! : new Uint8Array(size);
    return { number, bytes, length: number === 1 ? HEADER_SIZE : 0 };
  }

  async #full(part: Filling): Promise<void> {
    this.#filling = undefined;
    if (part.number === 1) this.#first = part;
    else await this.#send(part);
  }

  /** Waits until there are fewer parts under way than there may be. */
  async #turn(): Promise<void> {
    while (this.#underWay.size >= this.#concurrency) await Promise.race(this.#underWay);
    this.#controller.signal.throwIfAborted();
  }

  /** Begins to send a part. There is a place for it: it was waited for before the part was filled. */
  async #send(part: Filling): Promise<void> {
    await this.#begin();
    const sent: Promise<void> = this.#put(part.number, part.bytes.subarray(0, part.length)).then(
      () => {
        this.#underWay.delete(sent);
        this.#spare.push(part.bytes);
      },
      (error: unknown) => {
        this.#underWay.delete(sent);
        this.#controller.abort(error);
      },
    );
    this.#underWay.add(sent);
  }

  /** Begins the upload, or takes up the one that was left. */
  async #begin(): Promise<void> {
    if (this.#upload !== undefined) return;
    const { signal } = this.#controller;
    const { resume, journal } = this.#options;
    if (resume !== undefined && resume.partSize === this.#sizing.of(1)) {
      try {
        const parts = await this.#target.listParts(resume.upload, { signal });
        this.#left = new Map(parts.map((part) => [part.number, part]));
        this.#upload = resume.upload;
        return;
      } catch (error) {
        if (!isPeekpackError(error) || error.code !== "not-found") throw error;
      }
    }
    this.#upload = await this.#target.createUpload({ signal });
    await journal?.begun(this.#upload, this.#sizing.of(1));
  }

  /** Brings one part to the server, unless it is there. */
  async #put(number: number, body: Uint8Array): Promise<void> {
    await this.#begin();
    const there = this.#left?.get(number);
    const part =
      there !== undefined && (await isSame(there, body))
        ? there
        : await this.#target.uploadPart(this.#upload!, number, body, { signal: this.#controller.signal });
    this.#parts.push(part);
    await this.#options.journal?.uploaded(part);
    this.#progress.update({
      bytesUploaded: this.#parts.reduce((sum, { size }) => sum + size, 0),
      parts: {
        uploaded: this.#parts.length,
        total: this.#progress.now.totalBytes === undefined ? undefined : this.#begun,
      },
    });
  }
}

/** The first part with the header in front; moved where the header has another length than usual. */
function withHeader({ bytes, length }: Filling, header: Uint8Array): Uint8Array {
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
async function isSame(part: UploadedPart, body: Uint8Array): Promise<boolean> {
  if (part.size !== body.length) return false;
  if (part.crc32 !== undefined && part.crc32 !== crc32(body)) return false;
  // A CRC alone does not tell apart what an adversary may have made: the ETag, where it is an MD5, must agree as well.
  return sameTag(part.etag, await putEtag(body));
}

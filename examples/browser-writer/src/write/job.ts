import { isPeekpackError, type WriteResult, writeArchive } from "@peekpack/core";
import { Emitter } from "@peekpack/explorer/ui/emitter";
import type { ProgressListener, UploadProgress, UploadTarget } from "@peekpack/s3";
import {
  discardUpload,
  type PartStorage,
  type PendingUpload,
  pendingUploads,
  resumeUpload,
  type SpoolSinkOptions,
  spoolSink,
} from "@peekpack/web-storage";
import type { Data } from "../data/data.js";
import { withFreeKey } from "../destination/check.js";
import { type Destination, type OpenDestination, openDestination } from "../destination/destination.js";
import { failureOf } from "./failure.js";
import { Gate } from "./gate.js";
import { type JobState, START } from "./job-state.js";
import { isOutage, Outage } from "./outage.js";
import { RateMeter } from "./rate-meter.js";

/** How the spool is stored and uploaded. */
export type SpoolChoice = Pick<SpoolSinkOptions, "storage" | "partSize" | "concurrency">;

const LOCK_TRIES = 20;
const LOCK_PAUSE_MS = 50;
/** How often the rate is measured. It falls while nothing is sent. */
const RATE_MS = 500;
/** Few, because the job waits by itself, and says so. */
const RETRY = { attempts: 3 } as const;

/** The job of writing one archive to S3. */
export class Job {
  readonly changed: Emitter = new Emitter();
  /** The name of the data. */
  readonly name: string;
  readonly #gate = new Gate();
  readonly #spool: SpoolChoice;
  readonly #startedAt = performance.now();
  #to: Destination;
  #destination: OpenDestination;
  readonly #rate = new RateMeter();
  #outage: Outage | undefined;
  /** Bytes that were on the server before this page. Undefined: not known yet. */
  #before: number | undefined = 0;
  /** Milliseconds in which it was paused or waited, and since when it is. */
  #idle = 0;
  #idleSince: number | undefined;
  #state: JobState = START;
  #running = new AbortController();
  /** Settles when no work is active. */
  #run: Promise<void> = Promise.resolve();
  #id: string | undefined;

  private constructor(name: string, destination: Destination, spool: SpoolChoice) {
    this.name = name;
    this.#to = destination;
    this.#destination = openDestination(destination, RETRY);
    this.#spool = spool;
  }

  /** Starts to write data. */
  static write(data: Data, destination: Destination, spool: SpoolChoice): Job {
    const job = new Job(data.name, destination, spool);
    job.#run = job.#write(data);
    return job;
  }

  /** Resumes an upload of an earlier page. */
  static resume(pending: PendingUpload, name: string, destination: Destination): Job {
    const job = new Job(name, destination, {});
    job.#id = pending.id;
    job.#before = undefined;
    job.#change({
      made: 1,
      produced: pending.bytesSealed,
      uploaded: pending.bytesUploaded,
      total: pending.size,
      storage: pending.storage,
      kept: true,
    });
    job.#run = job.#upload();
    return job;
  }

  get state(): JobState {
    return this.#state;
  }

  get destination(): OpenDestination {
    return this.#destination;
  }

  get label(): string {
    return this.#destination.target.label;
  }

  /** Whether closing the page loses what was written. */
  get perishable(): boolean {
    return this.#state.phase === "preparing" || this.#state.phase === "writing";
  }

  /** Pauses. While writing, the data wait. An upload is aborted, and its spool is kept. */
  pause(): void {
    const { phase, paused } = this.#state;
    if (paused) return;
    if (this.perishable) {
      this.#gate.close();
      this.#change({ paused: true, rate: 0 });
    } else if (phase === "uploading") {
      this.#running.abort(new Halt("pause"));
    }
  }

  /** Continues after a pause, or retries after a failure. */
  resume(): void {
    const { phase, paused, kept } = this.#state;
    if (this.perishable && paused) {
      this.#change({ paused: false });
      this.#gate.open();
    } else if (kept && (paused || phase === "failed")) {
      this.#run = this.#upload();
    }
  }

  /** Ends the current wait for the network. */
  tryNow(): void {
    this.#outage?.tryNow();
  }

  /** Uploads a complete spool to its object after all, and replaces what is there. */
  replace(): void {
    this.#redirect({ ...this.#to, put: "overwrite" });
  }

  /** Uploads a complete spool to another key, which is free. */
  async useFreeKey(): Promise<void> {
    this.#redirect(await withFreeKey(this.#to));
  }

  #redirect(to: Destination): void {
    const previousTarget = this.#destination.target;
    this.#to = to;
    this.#destination = openDestination(to, RETRY);
    this.#run = this.#upload(previousTarget);
  }

  /** Aborts the work and keeps the spool. Resolves when others can acquire it. */
  async leave(): Promise<void> {
    if (this.#state.phase === "uploading") this.#running.abort(new Halt("pause"));
    await this.#run;
  }

  /** Removes the spool, and the parts on the server. */
  async discard(): Promise<void> {
    this.#running.abort(new Halt("discard"));
    await this.#run;
    const { phase, result } = this.#state;
    if (phase === "discarded" || result !== undefined) return;
    try {
      const pending = await this.#pending();
      if (pending !== undefined) await discardUpload(pending, this.#destination.target);
      this.#change({ phase: "discarded", kept: false });
    } catch (error) {
      this.#change({ phase: "failed", paused: false, failure: failureOf(error) });
    }
  }

  async #write(data: Data): Promise<void> {
    const { signal } = this.#running;
    const write = async (): Promise<WriteResult> => {
      const { value, options } = await data.prepare({
        signal,
        unpaused: () => this.#gate.pass(signal),
        progress: (made) => this.#change({ made }),
      });
      this.#change({ phase: "writing", total: data.expectedSize });
      const { target, meter } = this.#destination;
      const sink = spoolSink(target, {
        ...this.#spool,
        durable: true,
        meter,
        signal,
        expectedSize: data.expectedSize,
        onProgress: (progress) => {
          this.#id = sink.id;
          this.#update(progress, sink.storage);
        },
      });
      return writeArchive(sink, value, { ...options, signal });
    };
    await this.#until(signal, write, () => this.#send(signal));
  }

  /** @param previousTarget where the spool was to go before, if it now goes elsewhere */
  async #upload(previousTarget?: UploadTarget): Promise<void> {
    this.#running = new AbortController();
    const { signal } = this.#running;
    this.#outage = undefined;
    this.#change({ phase: "uploading", paused: false, failure: undefined, rate: 0 });
    const send = (): Promise<WriteResult> => this.#send(signal, previousTarget);
    await this.#until(signal, send, send);
  }

  /** Sends what the server does not have of a complete spool. */
  async #send(signal: AbortSignal, previousTarget?: UploadTarget): Promise<WriteResult> {
    const { target, meter } = this.#destination;
    const pending = await this.#pending();
    if (pending === undefined) throw new Error("The upload no longer exists: another tab has ended it.");
    this.#rate.restart();
    const { concurrency } = this.#spool;
    const onProgress: ProgressListener = (progress) => this.#update(progress, pending.storage);
    const changeTarget = previousTarget !== undefined;
    return resumeUpload(pending, target, {
      concurrency,
      meter,
      signal,
      onProgress,
      changeTarget,
      previousTarget,
    });
  }

  /**
   * Runs a write or an upload, and records how it ends. An outage does not end it: what `send` does is then tried again and again.
   */
  async #until(
    signal: AbortSignal,
    first: () => Promise<WriteResult>,
    send: () => Promise<WriteResult>,
  ): Promise<void> {
    const ignore = this.#observe();
    try {
      let work = first;
      for (;;) {
        try {
          const result = await work();
          const { size } = result;
          const took = performance.now() - this.#startedAt;
          this.#change({ phase: "done", result, uploaded: size, produced: size, total: size, kept: false });
          const rate = ((size - (this.#before ?? 0)) * 1000) / Math.max(1, took - this.#idle);
          this.#change({ took, rate });
          return;
        } catch (error) {
          signal.throwIfAborted();
          const found = this.#id === undefined ? undefined : await this.#pending().catch(() => undefined);
          signal.throwIfAborted();
          if (found === undefined || this.perishable || !isOutage(error)) {
            this.#change({ phase: "failed", failure: failureOf(error), kept: found !== undefined });
            return;
          }
          await this.#wait(signal, error);
          work = send;
        }
      }
    } catch (error) {
      // The job was aborted.
      if (!(error instanceof Halt)) throw error;
      if (error.kind === "pause") this.#change({ paused: true, kept: true });
      else if (this.perishable) this.#change({ phase: "discarded" });
    } finally {
      ignore();
      this.#change({ waiting: undefined, ...(this.#state.phase === "done" ? {} : { rate: 0 }) });
    }
  }

  /** Waits until the next try after an outage. */
  #wait(signal: AbortSignal, error: unknown): Promise<void> {
    this.#outage ??= new Outage();
    this.#rate.restart();
    const reason = failureOf(error);
    return this.#outage.wait(signal, (waiting) =>
      this.#change({ phase: "uploading", kept: true, rate: 0, waiting: { ...waiting, reason } }),
    );
  }

  /** Measures the rate, and sees when the browser goes offline. @returns a function that ends it */
  #observe(): () => void {
    const timer = setInterval(
      () => this.#change({ rate: this.#idleSince === undefined ? this.#rate.rate() : 0 }),
      RATE_MS,
    );
    // A request that is sent then waits by itself.
    const offline = (): void => {
      const { phase, waiting } = this.#state;
      if (phase !== "uploading" && phase !== "completing") return;
      this.#rate.restart();
      this.#change({
        rate: 0,
        waiting: waiting ?? { since: Date.now(), next: undefined, reason: undefined },
      });
    };
    const online = (): void => this.#change({ waiting: undefined });
    addEventListener("offline", offline);
    addEventListener("online", online);
    if (!navigator.onLine) offline();
    return () => {
      clearInterval(timer);
      removeEventListener("offline", offline);
      removeEventListener("online", online);
    };
  }

  #update(progress: UploadProgress, storage: PartStorage | undefined): void {
    const { phase, bytesProduced, bytesUploaded, totalBytes, parts } = progress;
    const before = this.#state;
    if (phase !== before.phase) this.#rate.restart();
    const listed = parts.total !== undefined;
    if (phase === "writing") this.#rate.add(bytesProduced);
    // Until the parts on the server are listed, nothing is known of them.
    if (phase === "uploading" && listed) {
      this.#before ??= bytesUploaded;
      this.#rate.add(bytesUploaded);
    }
    // Bytes flow again. The outage is over when the server confirms a part.
    const flows = phase !== "uploading" || (listed && bytesUploaded > before.uploaded);
    if (listed && parts.uploaded > before.parts.uploaded) this.#outage = undefined;
    this.#change({
      // The job is done only when writeArchive returns.
      phase: phase === "done" ? "completing" : phase,
      produced: bytesProduced,
      uploaded: phase === "uploading" && !listed ? before.uploaded : bytesUploaded,
      total: totalBytes ?? before.total,
      parts: phase === "writing" || !listed ? before.parts : parts,
      storage,
      ...(flows && navigator.onLine ? { waiting: undefined } : {}),
    });
    if (phase !== "uploading") return;
    if (!this.#state.kept) this.#change({ kept: true, made: 1, paused: false });
    if (!navigator.onLine && this.#state.waiting === undefined) {
      this.#change({ waiting: { since: Date.now(), next: undefined, reason: undefined } });
    }
    if (this.#gate.shut) {
      // The pause was requested after the end of the data.
      this.#gate.open();
      this.#running.abort(new Halt("pause"));
    }
  }

  /** The spool of this job. A released lock is free a moment later. */
  async #pending(): Promise<PendingUpload | undefined> {
    for (let attempt = 1; ; attempt++) {
      const all = await pendingUploads({ active: true });
      const found = all.find(({ id }) => id === this.#id);
      if (found === undefined || !found.active || attempt === LOCK_TRIES) return found;
      await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
    }
  }

  #change(change: Partial<JobState>): void {
    this.#state = { ...this.#state, ...change };
    const { paused, waiting, phase } = this.#state;
    const idle = paused || waiting !== undefined || phase === "failed";
    const now = performance.now();
    if (idle) this.#idleSince ??= now;
    else if (this.#idleSince !== undefined) {
      this.#idle += now - this.#idleSince;
      this.#idleSince = undefined;
    }
    this.changed.emit();
  }
}

/** The reason why a job was aborted. */
class Halt extends Error {
  readonly kind: "pause" | "discard";

  constructor(kind: "pause" | "discard") {
    super(kind);
    this.kind = kind;
  }
}

/** Whether an error says that the server or its data may be gone for good. */
export function isLost(error: unknown): boolean {
  return isPeekpackError(error) && ["not-found", "denied", "network"].includes(error.code);
}

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
import { type Failure, failureOf } from "./failure.js";
import { Gate } from "./gate.js";

/**
 * `preparing`: a first pass over a file; `writing`: into the spool; `uploading`; `completing`; `done`: the object exists;
 * `failed`; `discarded`.
 */
export type Phase = "preparing" | "writing" | "uploading" | "completing" | "done" | "failed" | "discarded";

/** How the spool is stored and uploaded. */
export type SpoolChoice = Pick<SpoolSinkOptions, "storage" | "partSize" | "concurrency">;

/** The progress of a job. */
export interface JobState {
  readonly phase: Phase;
  readonly paused: boolean;
  /** The share of the data that was generated or read, from 0 to 1. */
  readonly made: number;
  /** Bytes of the archive that were written. */
  readonly produced: number;
  readonly uploaded: number;
  /** Size of the archive, or an estimate. Undefined if there is none. */
  readonly total: number | undefined;
  readonly parts: UploadProgress["parts"];
  /** Bytes per second. */
  readonly rate: number;
  /** The storage of the spool, once it exists. */
  readonly storage: PartStorage | undefined;
  /** Whether a complete spool exists, from which the upload can be resumed. */
  readonly kept: boolean;
  readonly failure: Failure | undefined;
  readonly result: WriteResult | undefined;
  /** Milliseconds from start to end. */
  readonly took: number;
}

const START: JobState = {
  phase: "preparing",
  paused: false,
  made: 0,
  produced: 0,
  uploaded: 0,
  total: undefined,
  parts: { uploaded: 0, total: undefined },
  rate: 0,
  storage: undefined,
  kept: false,
  failure: undefined,
  result: undefined,
  took: 0,
};

const LOCK_TRIES = 20;
const LOCK_PAUSE_MS = 50;

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
  #state: JobState = START;
  #running = new AbortController();
  /** Settles when no work is active. */
  #run: Promise<void> = Promise.resolve();
  #id: string | undefined;

  private constructor(name: string, destination: Destination, spool: SpoolChoice) {
    this.name = name;
    this.#to = destination;
    this.#destination = openDestination(destination);
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
    this.#destination = openDestination(to);
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
    await this.#until(signal, async () => {
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
    });
  }

  /** @param previousTarget where the spool was to go before, if it now goes elsewhere */
  async #upload(previousTarget?: UploadTarget): Promise<void> {
    this.#running = new AbortController();
    const { signal } = this.#running;
    this.#change({ phase: "uploading", paused: false, failure: undefined, rate: 0 });
    await this.#until(signal, async () => {
      const { target, meter } = this.#destination;
      const pending = await this.#pending();
      if (pending === undefined) throw new Error("The upload no longer exists: another tab has ended it.");
      const { concurrency } = this.#spool;
      const onProgress: ProgressListener = (progress) => this.#update(progress, pending.storage);
      return resumeUpload(pending, target, {
        concurrency,
        meter,
        signal,
        onProgress,
        changeTarget: previousTarget !== undefined,
        previousTarget,
      });
    });
  }

  /** Runs a write or an upload, and records how it ends. */
  async #until(signal: AbortSignal, work: () => Promise<WriteResult>): Promise<void> {
    try {
      const result = await work();
      const took = performance.now() - this.#startedAt;
      const { size } = result;
      this.#change({ phase: "done", result, took, uploaded: size, produced: size, total: size, kept: false });
    } catch (error) {
      if (signal.aborted && error === signal.reason && error instanceof Halt) {
        if (error.kind === "pause") this.#change({ paused: true, rate: 0, kept: true });
        else if (this.perishable) this.#change({ phase: "discarded" });
        return;
      }
      const kept = this.#id !== undefined && (await this.#pending().catch(() => undefined)) !== undefined;
      this.#change({ phase: "failed", paused: false, failure: failureOf(error), kept, rate: 0 });
    }
  }

  #update(progress: UploadProgress, storage: PartStorage | undefined): void {
    const { phase, bytesProduced, bytesUploaded, totalBytes, parts, rate } = progress;
    this.#change({
      // The job is done only when writeArchive returns.
      phase: phase === "done" ? "completing" : phase,
      produced: bytesProduced,
      uploaded: bytesUploaded,
      total: totalBytes ?? this.#state.total,
      parts: phase === "writing" ? this.#state.parts : parts,
      rate,
      storage,
    });
    if (phase !== "uploading") return;
    if (!this.#state.kept) this.#change({ kept: true, made: 1, paused: false });
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

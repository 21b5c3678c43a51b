import { isPeekpackError, type WriteResult, writeArchive } from "@peekpack/core";
import { Emitter } from "@peekpack/explorer/ui/emitter";
import type { ProgressListener, UploadProgress } from "@peekpack/s3";
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
import { type Destination, type OpenDestination, openDestination } from "../destination/destination.js";
import { type Failure, failureOf } from "./failure.js";
import { Gate } from "./gate.js";

/**
 * `preparing`: a file is looked over; `writing`: into the spool; `uploading`, `completing`; `done`: the object is there;
 * `failed`; `gone`: discarded.
 */
export type Phase = "preparing" | "writing" | "uploading" | "completing" | "done" | "failed" | "gone";

/** How the spool is kept. */
export type SpoolChoice = Pick<SpoolSinkOptions, "storage" | "partSize" | "concurrency">;

/** How far a job has come. */
export interface JobState {
  readonly phase: Phase;
  readonly paused: boolean;
  /** Which share of the data has been made or read, from 0 to 1. */
  readonly made: number;
  /** Bytes of the archive so far. */
  readonly produced: number;
  readonly uploaded: number;
  /** Size of the archive: once it is known, and an estimate before, where there is one. */
  readonly total: number | undefined;
  readonly parts: UploadProgress["parts"];
  /** Bytes a second. */
  readonly rate: number;
  /** Where the spool lies, once it has begun. */
  readonly storage: PartStorage | undefined;
  /** Whether there is a complete spool to go on with. */
  readonly kept: boolean;
  readonly failure: Failure | undefined;
  readonly result: WriteResult | undefined;
  /** Milliseconds from the start to the end. */
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

/** One archive on its way to S3. */
export class Job {
  readonly changed: Emitter = new Emitter();
  /** What is written, in words. */
  readonly name: string;
  readonly destination: OpenDestination;
  readonly #gate = new Gate();
  readonly #spool: SpoolChoice;
  readonly #began = performance.now();
  #state: JobState = START;
  #running = new AbortController();
  /** Ends when nothing is under way. */
  #run: Promise<void> = Promise.resolve();
  #id: string | undefined;

  private constructor(name: string, destination: Destination, spool: SpoolChoice) {
    this.name = name;
    this.destination = openDestination(destination);
    this.#spool = spool;
  }

  /** Begins to write data. */
  static write(data: Data, destination: Destination, spool: SpoolChoice): Job {
    const job = new Job(data.name, destination, spool);
    job.#run = job.#write(data);
    return job;
  }

  /** Goes on with what an earlier page has left. */
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

  get label(): string {
    return this.destination.target.label;
  }

  /** Whether leaving the page loses what was written. */
  get perishable(): boolean {
    return this.#state.phase === "preparing" || this.#state.phase === "writing";
  }

  /** Stops for a while. While writing, the data wait; an upload ends, and its spool is kept. */
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

  /** Goes on after a pause, or tries again what has failed. */
  goOn(): void {
    const { phase, paused, kept } = this.#state;
    if (this.perishable && paused) {
      this.#change({ paused: false });
      this.#gate.open();
    } else if (kept && (paused || phase === "failed")) {
      this.#run = this.#upload();
    }
  }

  /** Ends what is under way and keeps the spool, for later. Resolves when others may take it up. */
  async leave(): Promise<void> {
    if (this.#state.phase === "uploading") this.#running.abort(new Halt("pause"));
    await this.#run;
  }

  /** Gives up: removes the spool, and the parts that the server has. */
  async discard(): Promise<void> {
    this.#running.abort(new Halt("discard"));
    await this.#run;
    const { phase, result } = this.#state;
    if (phase === "gone" || result !== undefined) return;
    try {
      const pending = await this.#pending();
      if (pending !== undefined) await discardUpload(pending, this.destination.target);
      this.#change({ phase: "gone", kept: false });
    } catch (error) {
      this.#change({ phase: "failed", paused: false, failure: failureOf(error) });
    }
  }

  async #write(data: Data): Promise<void> {
    const { signal } = this.#running;
    await this.#until(signal, async () => {
      const { value, options } = await data.prepare({
        signal,
        go: () => this.#gate.pass(signal),
        made: (made) => this.#change({ made }),
      });
      this.#change({ phase: "writing", total: data.expectedSize });
      const { target, meter } = this.destination;
      const sink = spoolSink(target, {
        ...this.#spool,
        meter,
        signal,
        expectedSize: data.expectedSize,
        onProgress: (progress) => {
          this.#id = sink.id;
          this.#note(progress, sink.storage);
        },
      });
      return writeArchive(sink, value, { ...options, signal });
    });
  }

  async #upload(): Promise<void> {
    this.#running = new AbortController();
    const { signal } = this.#running;
    this.#change({ phase: "uploading", paused: false, failure: undefined, rate: 0 });
    await this.#until(signal, async () => {
      const { target, meter } = this.destination;
      const pending = await this.#pending();
      if (pending === undefined) throw new Error("Nothing is left of this upload: another tab has ended it.");
      const { concurrency } = this.#spool;
      const onProgress: ProgressListener = (progress) => this.#note(progress, pending.storage);
      return resumeUpload(pending, target, { concurrency, meter, signal, onProgress });
    });
  }

  /** Runs a write or an upload to its end, and notes how it ended. */
  async #until(signal: AbortSignal, work: () => Promise<WriteResult>): Promise<void> {
    try {
      const result = await work();
      const took = performance.now() - this.#began;
      const { size } = result;
      this.#change({ phase: "done", result, took, uploaded: size, produced: size, total: size, kept: false });
    } catch (error) {
      if (signal.aborted && error === signal.reason && error instanceof Halt) {
        if (error.kind === "pause") this.#change({ paused: true, rate: 0, kept: true });
        else if (this.perishable) this.#change({ phase: "gone" });
        return;
      }
      const kept = this.#id !== undefined && (await this.#pending().catch(() => undefined)) !== undefined;
      this.#change({ phase: "failed", paused: false, failure: failureOf(error), kept, rate: 0 });
    }
  }

  #note(progress: UploadProgress, storage: PartStorage | undefined): void {
    const { phase, bytesProduced, bytesUploaded, totalBytes, parts, rate } = progress;
    this.#change({
      // Only writeArchive's own end is one.
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
      // The pause was asked for when the data had ended already.
      this.#gate.open();
      this.#running.abort(new Halt("pause"));
    }
  }

  /** This job's spool as it is listed. A lock that was let go of is free a moment later. */
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

/** Why a job was ended from outside. */
class Halt extends Error {
  readonly kind: "pause" | "discard";

  constructor(kind: "pause" | "discard") {
    super(kind);
    this.kind = kind;
  }
}

/** Whether an error says that the server, or what was on it, is out of reach for good. */
export function isLost(error: unknown): boolean {
  return isPeekpackError(error) && ["not-found", "denied", "network"].includes(error.code);
}

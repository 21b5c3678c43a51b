import type { WriteResult } from "@peekpack/core";
import type { UploadProgress } from "@peekpack/s3";
import type { PartStorage } from "@peekpack/web-storage";
import type { Failure } from "./failure.js";
import type { Waiting } from "./outage.js";

/**
 * `preparing`: a first pass over a file; `writing`: into the spool; `uploading`; `completing`; `done`: the object exists;
 * `failed`; `discarded`.
 */
export type Phase = "preparing" | "writing" | "uploading" | "completing" | "done" | "failed" | "discarded";

/** A wait for the network, and why. */
export interface WaitingState extends Waiting {
  /** Undefined while the browser is offline. */
  readonly reason: Failure | undefined;
}

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
  /** Recent bytes per second. At the end those of the whole job, without pauses, and without bytes that an earlier page sent. */
  readonly rate: number;
  /** The storage of the spool, once it exists. */
  readonly storage: PartStorage | undefined;
  /** Whether a complete spool exists, from which the upload can be resumed. */
  readonly kept: boolean;
  /** Set while the upload waits for the network. */
  readonly waiting: WaitingState | undefined;
  readonly failure: Failure | undefined;
  readonly result: WriteResult | undefined;
  /** Milliseconds from start to end. */
  readonly took: number;
}

/** The state of a job that begins. */
export const START: JobState = {
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
  waiting: undefined,
  failure: undefined,
  result: undefined,
  took: 0,
};

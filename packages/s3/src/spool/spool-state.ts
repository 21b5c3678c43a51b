import { isObject, isOpenUpload, isPutMode, isUploadedPart } from "../journal-value.js";
import { isPartSize } from "../limits.js";
import type { UploadState } from "../upload.js";
import type { OpenUpload, PutMode, UploadedPart } from "../upload-target.js";

/** Version of the layout of spools that this version reads and writes, on disks and in browsers. */
export const SPOOL_LAYOUT = 2;

/** A complete archive in a spool. */
export interface SealedArchive {
  readonly header: Uint8Array;
  /** Size of the archive in bytes, header included. */
  readonly size: number;
}

/** What the journal of a spool records. It holds no credential, and no URL with a query. */
export interface SpoolState {
  /** Label of the target. */
  readonly target: string;
  readonly put: PutMode;
  /** Size of every part but the last in bytes; undefined for the default. */
  readonly partSize: number | undefined;
  /** When the spool was created. */
  readonly begun: Date;
  /** The archive; undefined while it is incomplete. */
  readonly sealed: SealedArchive | undefined;
  /** The multipart upload that is open, or may be. */
  readonly upload: UploadState | undefined;
  /** Whether the request that stores the object may have been sent. */
  readonly committing: boolean;
  /** Abandoned uploads of which the server may still have parts. */
  readonly abandoned: readonly OpenUpload[];
  /** Whether parts were removed here, so that only the server has them. Recorded before the first removal. */
  readonly partsRemoved: boolean;
  /** Code of the error that the last upload failed with. */
  readonly failure: string | undefined;
}

/** A spool that this version cannot use. */
export interface UnusableSpool {
  /** `damaged`: its records have changed. `unsupported`: another version of peekpack wrote it. */
  readonly unusable: "damaged" | "unsupported";
  readonly problem: string;
}

/** One step of an upload, as journals record it. Plain data. */
export type SpoolStep =
  | { readonly upload: OpenUpload; readonly partSize: number }
  | { readonly part: UploadedPart }
  | { readonly partsRemoved: true }
  | { readonly committing: true }
  /** `abandoned` is the id of an upload. `gone`: the server has confirmed that nothing of it is left. */
  | { readonly abandoned: string; readonly gone: boolean }
  | { readonly failure: string }
  | { readonly retarget: string; readonly put: PutMode };

/** Whether a value from a journal is a valid step. */
export function isSpoolStep(value: unknown): value is SpoolStep {
  if (!isObject(value)) return false;
  switch (Object.keys(value)[0]) {
    case "upload":
      return isOpenUpload(value.upload) && isPartSize(value.partSize);
    case "part":
      return isUploadedPart(value.part);
    case "partsRemoved":
      return value.partsRemoved === true;
    case "committing":
      return value.committing === true;
    case "abandoned":
      return typeof value.abandoned === "string" && typeof value.gone === "boolean";
    case "failure":
      return typeof value.failure === "string";
    case "retarget":
      return typeof value.retarget === "string" && isPutMode(value.put);
    default:
      return false;
  }
}

/** The state of a spool whose archive is not written yet. */
export function newSpoolState(
  start: Pick<SpoolState, "target" | "put" | "partSize"> & { readonly begun?: Date },
): SpoolState {
  return {
    begun: new Date(),
    ...start,
    sealed: undefined,
    upload: undefined,
    committing: false,
    abandoned: [],
    partsRemoved: false,
    failure: undefined,
  };
}

/** The state after a step. Undefined if the step is impossible in this state, as a part without an upload. */
export function nextState<S extends SpoolState>(state: S, step: SpoolStep): S | undefined {
  const change = changeOf(state, step);
  return change && { ...state, ...change };
}

function changeOf(state: SpoolState, step: SpoolStep): Partial<SpoolState> | undefined {
  if ("upload" in step) {
    const { upload, partSize } = step;
    return { upload: { upload, partSize, parts: [] }, committing: false };
  }
  if ("part" in step) {
    if (state.upload === undefined) return undefined;
    const others = state.upload.parts.filter(({ number }) => number !== step.part.number);
    return { upload: { ...state.upload, parts: [...others, step.part] } };
  }
  if ("abandoned" in step) {
    const { gone } = step;
    const open = state.upload?.upload;
    const known = state.abandoned.filter(({ id }) => !gone || id !== step.abandoned);
    if (open?.id !== step.abandoned) return { abandoned: known };
    return {
      upload: undefined,
      committing: state.committing && !gone,
      abandoned: gone ? known : [...known, open],
    };
  }
  if ("retarget" in step) {
    const committing = state.committing && step.retarget === state.target;
    return { target: step.retarget, put: step.put, committing };
  }
  return step;
}

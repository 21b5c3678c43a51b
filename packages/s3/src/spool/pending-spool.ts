import type { PutMode } from "../upload-target.js";
import type { SpoolState, UnusableSpool } from "./spool-state.js";

/** A spool that was left behind. Plain data without secrets. The same in Node and in browsers, which add a few fields. */
export interface PendingSpool {
  /** Unique within its directory. */
  readonly id: string;
  /** The directory that was given to `spoolSink`. */
  readonly directory: string;
  /** Label of the target; undefined if it is not known. */
  readonly target: string | undefined;
  readonly put: PutMode | undefined;
  /** When the spool was created. */
  readonly begun: Date | undefined;
  /**
   * `unfinished`: the archive is incomplete, and can only be discarded. `sealed`: it is complete, and no part is on the
   * server. `uploading`: some parts are. `committing`: the object may exist already. `orphan` (only in Node): the archive is
   * gone, but a multipart upload may be left on the server, for `discardUpload` to remove. `damaged`: the spool's records have
   * changed; it can only be discarded here. `unsupported`: another version of peekpack wrote it; it is kept for that version.
   */
  readonly state: "unfinished" | "sealed" | "uploading" | "committing" | "orphan" | "damaged" | "unsupported";
  /** Why the spool is `damaged` or `unsupported`. */
  readonly problem: string | undefined;
  /** Size of the archive in bytes, once it is complete. */
  readonly size: number | undefined;
  /** Bytes that the server has confirmed. */
  readonly bytesUploaded: number;
  /** Code of the error that the last upload failed with; `stopped` if it was aborted. */
  readonly failure: string | undefined;
}

/**
 * Describes a spool.
 * @param complete whether the whole archive is there. Default: if the journal says so
 */
export function describeSpool(
  id: string,
  directory: string,
  state: SpoolState | UnusableSpool | undefined,
  complete?: boolean,
): PendingSpool {
  const unknown = {
    id,
    directory,
    target: undefined,
    put: undefined,
    begun: undefined,
    problem: undefined,
    size: undefined,
    bytesUploaded: 0,
    failure: undefined,
  } as const;
  if (state === undefined) return { ...unknown, state: "unfinished" };
  if ("unusable" in state) return { ...unknown, state: state.unusable, problem: state.problem };
  const { target, put, begun, sealed, upload, abandoned, committing, failure } = state;
  const onServer = upload !== undefined || abandoned.length > 0;
  let step: PendingSpool["state"] = onServer ? "orphan" : "unfinished";
  if (complete ?? sealed !== undefined) {
    step = committing ? "committing" : onServer ? "uploading" : "sealed";
  }
  return {
    ...unknown,
    target,
    put,
    begun,
    state: step,
    size: sealed?.size,
    bytesUploaded: (upload?.parts ?? []).reduce((sum, { size }) => sum + size, 0),
    failure,
  };
}

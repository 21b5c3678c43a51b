import type { PutMode, UploadTarget } from "./upload-target.js";

/** The target that a spool was written for, as its journal records it. */
export interface RecordedTarget {
  /** Label of the target. */
  readonly target: string;
  readonly put: PutMode;
}

/** Whether a spool was written for a target, with the same write condition. */
export function isRecordedTarget(recorded: RecordedTarget, target: UploadTarget): boolean {
  return recorded.target === target.label && JSON.stringify(recorded.put) === JSON.stringify(target.put);
}

/** @throws TypeError if a spool belongs to another object, or to another write condition */
export function checkRecordedTarget(recorded: RecordedTarget, target: UploadTarget): void {
  if (recorded.target !== target.label) {
    throw new TypeError(`The spool belongs to ${recorded.target}, not to ${target.label}.`);
  }
  if (!isRecordedTarget(recorded, target)) {
    throw new TypeError(`The spool was written with put ${JSON.stringify(recorded.put)}.`);
  }
}

/** One feature of an endpoint. */
export interface Capability {
  /** Undefined if it could not be found out. */
  readonly supported: boolean | undefined;
  /** What was observed. If the feature is missing: what that costs, and what to do. */
  readonly explanation: string;
}

/** The features that are probed. */
export const CAPABILITIES = [
  "reach",
  "credentials",
  "bucket",
  "write",
  "ranges",
  "suffixRanges",
  "conditionalRead",
  "conditionalCreate",
  "conditionalReplace",
  "checksums",
  "multipart",
  "listParts",
  "abortUpload",
  "conditionalComplete",
  "atomicComplete",
  "wholeChecksums",
  "serverSideCopy",
  "pinnedCopy",
  "listUploads",
  "cors",
] as const;

/** The name of a {@link Capability}. */
export type CapabilityName = (typeof CAPABILITIES)[number];

/** The requests that replace an object: one PUT, or the completion of an upload. */
export type ReplacingRequest = "put" | "complete";

/** What follows where a server does not keep two writers apart. */
export const APPENDS_LOSE =
  "of two that append at once, one loses its children silently. Let one process append.";

/** Whether an endpoint replaces an object only while it has the ETag of `If-Match`, as far as it is known. */
export type ReplaceSafety = { [Request in ReplacingRequest]?: Capability };

/** Records the result of one check. */
export type ReportCapability = (name: CapabilityName, supported: boolean, explanation: string) => void;

import { type ErrorCode, isPeekpackError, PeekpackError } from "@peekpack/core";

/** Error codes by the name of an exception. Any other name is `denied`. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  QuotaExceededError: "quota",
  NotFoundError: "truncated",
  NoModificationAllowedError: "conflict",
  InvalidStateError: "closed",
  // What browsers say if the system has no files, handles or memory left, or does not respond.
  UnknownError: "limit",
  OperationError: "limit",
  TimeoutError: "limit",
  RangeError: "limit",
};

/** Converts an error of the browser's storage to a PeekpackError. Returns a PeekpackError unchanged. */
export function storageError(action: string, error: unknown): PeekpackError {
  if (isPeekpackError(error)) return error;
  const { name = "", message = "" } = (error ?? {}) as { readonly name?: string; readonly message?: string };
  const code = CODES[name] ?? "denied";
  const reason = code === "quota" ? "this origin has no room left" : message || name || "refused";
  return new PeekpackError(code, `Could not ${action}: ${reason.replace(/\.$/, "")}.`, {
    section: "spool",
    cause: error,
  });
}

/** Runs `work` and converts errors of the browser's storage. */
export async function withStorageErrors<T>(action: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(action, error);
  }
}

export function quotaError(message: string): PeekpackError {
  return new PeekpackError("quota", message, { section: "spool" });
}

import { type ErrorCode, isPeekpackError, PeekpackError } from "@peekpack/core";

/** How the browser's storage names what went wrong, and what it means here. What is not listed is a refusal. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  QuotaExceededError: "quota",
  NotFoundError: "truncated",
  NoModificationAllowedError: "conflict",
  InvalidStateError: "closed",
};

/** The typed error for what the browser's storage threw. What is typed already stays as it is. */
export function storageError(doing: string, error: unknown): PeekpackError {
  if (isPeekpackError(error)) return error;
  const { name = "", message = "" } = (error ?? {}) as { readonly name?: string; readonly message?: string };
  const code = CODES[name] ?? "denied";
  const what = code === "quota" ? "there is no room left for this origin" : message || name || "refused";
  return new PeekpackError(code, `Could not ${doing}: ${what.replace(/\.$/, "")}.`, {
    section: "spool",
    cause: error,
  });
}

/** Runs a step; what the browser's storage throws comes out typed. */
export async function stored<T>(doing: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw storageError(doing, error);
  }
}

/** The error for storage that would take more than there is room for. */
export function noRoom(what: string): PeekpackError {
  return new PeekpackError("quota", what, { section: "spool" });
}

import { type ErrorCode, type ErrorSection, PeekpackError } from "@peekpack/core";

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "not-found",
  ENOTDIR: "not-found",
  EISDIR: "not-found",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
  EEXIST: "exists",
  ENOSPC: "quota",
  EDQUOT: "quota",
  EFBIG: "quota",
  EPIPE: "closed",
  // Too many open files: a limit of the process or the machine.
  EMFILE: "limit",
  ENFILE: "limit",
};

/**
 * Converts an error of the file system, or of a permission that Deno or Node was not given, to a PeekpackError. Returns any other error
 * unchanged.
 */
export function fileError(error: unknown, action: string, section: ErrorSection): unknown {
  if (!(error instanceof Error)) return error;
  const { code, syscall, permission } = error as NodeJS.ErrnoException & { readonly permission?: string };
  if (error.name === "NotCapable" || code === "ERR_ACCESS_DENIED") {
    // Deno's message names the permission and the option that gives it; that of Node 20 does not.
    const missing = permission === undefined ? "" : ` (${permission})`;
    return new PeekpackError("denied", `Could not ${action}: ${error.message}${missing}.`, {
      section,
      cause: error,
    });
  }
  if (typeof code !== "string" || syscall === undefined) return error;
  return new PeekpackError(CODES[code] ?? "denied", `Could not ${action} (${code}).`, {
    section,
    cause: error,
  });
}

/** Gives what `find` finds out about the system, and converts its errors to PeekpackErrors. */
export function withSystemErrors<T>(action: string, section: ErrorSection, find: () => T): T {
  try {
    return find();
  } catch (error) {
    throw fileError(error, action, section);
  }
}

/** Runs `work` and converts errors of the file system to PeekpackErrors. */
export async function withFileErrors<T>(
  action: string,
  section: ErrorSection,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileError(error, action, section);
  }
}

/** Whether `error` is an error of the file system with one of these codes. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? "");
}

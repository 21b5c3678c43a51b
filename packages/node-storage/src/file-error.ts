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

/** Converts an error of the file system to a PeekpackError. Returns any other error unchanged. */
export function fileError(error: unknown, action: string, section: ErrorSection): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || typeof code !== "string" || syscall === undefined) return error;
  return new PeekpackError(CODES[code] ?? "denied", `Could not ${action} (${code}).`, {
    section,
    cause: error,
  });
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

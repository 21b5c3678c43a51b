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
};

/** Turns an error of the file system into one of the contract; anything else comes back as it is. */
export function fileError(error: unknown, doing: string, section: ErrorSection): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || typeof code !== "string" || syscall === undefined) return error;
  const known = CODES[code];
  return new PeekpackError(known ?? "denied", `Could not ${doing} (${code}).`, { section, cause: error });
}

/** Runs `work`; what the file system throws becomes an error of the contract. */
export async function withFileErrors<T>(
  doing: string,
  section: ErrorSection,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileError(error, doing, section);
  }
}

/** Whether `error` comes from the file system with one of these codes. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? "");
}

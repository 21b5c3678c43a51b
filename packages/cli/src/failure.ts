import { type ErrorCode, isPeekpackError, type PeekpackError } from "@peekpack/core";
import { keyLabel } from "./key-label.js";

/** What Node says when a file cannot be had, in the words of the contract. */
const SYSTEM_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "not-found",
  ENOTDIR: "not-found",
  EISDIR: "not-an-archive",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
  EEXIST: "exists",
  ENOSPC: "quota",
  EDQUOT: "quota",
  EFBIG: "quota",
};

/** Characters of a path in a message. */
const LONGEST_PATH = 200;

/** What went wrong, as one line without control characters: `CODE: message`. */
export function failureLine(error: unknown): string {
  const { code, message } = explain(error);
  return `${code}: ${message}`.replace(/[\s\p{Cc}]+/gu, " ").trim();
}

function explain(error: unknown): { readonly code: string; readonly message: string } {
  if (isPeekpackError(error)) return { code: error.code, message: located(error) };
  if (!(error instanceof Error)) return { code: "internal", message: String(error) };
  if (error instanceof RangeError && error.message.startsWith("Maximum call stack")) {
    return { code: "limit", message: "the value is nested too deeply" };
  }
  const system = (error as NodeJS.ErrnoException).code ?? "";
  return { code: SYSTEM_CODES[system] ?? "internal", message: error.message };
}

/** The message with the place, where it does not name it itself. */
function located({ message, path, section, offset }: PeekpackError): string {
  const whole = (path ?? []).map(keyLabel).join("/");
  const where = whole.length > LONGEST_PATH ? `${whole.slice(0, LONGEST_PATH)}…` : whole;
  const there = message.includes(where) || message.includes((path ?? []).map(String).join("/"));
  const named = there ? message : `${where}: ${message}`;
  if (offset === undefined || section === "header") return named;
  return `${named.replace(/\.$/, "")} (byte ${offset}${section === "toc" ? " of the table" : ""})`;
}

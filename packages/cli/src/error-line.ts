import { type ErrorCode, isPeekpackError, type PeekpackError } from "@peekpack/core";
import { ArchiveError } from "./archive-error.js";
import { pathLabel } from "./key-label.js";
import { escapeForTerminal } from "./terminal-text.js";

/** The codes of PeekpackError for what Node reports about files. */
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

/** Characters of a path in a message, at most. */
const MAX_PATH_LENGTH = 200;

/** An error as one line without control characters: `CODE: message`. */
export function errorLine(error: unknown): string {
  const { code, message } = explain(error);
  return escapeForTerminal(`${code}: ${message}`.replace(/[\s\p{Cc}]+/gu, " ").trim());
}

function explain(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof ArchiveError) {
    const { code, message } = explain(error.cause);
    // The message of a source names the archive already; that of an S3 object by its URL.
    const isNamed = message.includes(error.archive.replace(/^s3:\//, ""));
    const named = isNamed ? message : `${error.archive}: ${message}`;
    if (error.advice === undefined) return { code, message: named };
    return { code, message: `${/[.?!]$/.test(named) ? named : `${named}.`} ${error.advice}` };
  }
  const permission = missingPermission(error);
  if (permission !== undefined) return { code: "denied", message: permission.message };
  if (isPeekpackError(error)) return { code: error.code, message: withPosition(error) };
  if (!(error instanceof Error)) return { code: "internal", message: String(error) };
  if (error instanceof RangeError && error.message.startsWith("Maximum call stack")) {
    return { code: "limit", message: "the value is nested too deeply" };
  }
  const system = (error as NodeJS.ErrnoException).code ?? "";
  return { code: SYSTEM_CODES[system] ?? "internal", message: error.message };
}

/** Why Deno did not send a request or read a variable. Its message names the permission and the option that gives it. */
function missingPermission(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "NotCapable") return error;
  // Other messages say it themselves.
  return isPeekpackError(error) && error.code === "network" ? missingPermission(error.cause) : undefined;
}

/** The message with path and offset, unless it names them itself. */
function withPosition({ message, path, section, offset }: PeekpackError): string {
  const whole = pathLabel(path ?? []);
  const shown = whole.length > MAX_PATH_LENGTH ? `${whole.slice(0, MAX_PATH_LENGTH)}…` : whole;
  const isNamed = message.includes(shown) || message.includes((path ?? []).map(String).join("/"));
  const text = isNamed ? message : `${shown}: ${message}`;
  if (offset === undefined || section === "header") return text;
  return `${text.replace(/\.$/, "")} (byte ${offset}${section === "toc" ? " of the table" : ""})`;
}

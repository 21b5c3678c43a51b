import { PeekpackError } from "../errors.js";

/**
 * Carries the error for a value that cannot be written up through its containers. Each container adds its key. It is one
 * object for all levels, because there may be a hundred thousand.
 */
class Misplaced extends Error {
  readonly error: PeekpackError;
  /** Keys and indices, the innermost first. */
  readonly trail: unknown[] = [];

  constructor(error: PeekpackError) {
    super(error.message);
    this.error = error;
  }
}

/** Adds the key of a value that could not be written. Other errors are returned unchanged. */
export function located(error: unknown, key: unknown): unknown {
  const misplaced = error instanceof PeekpackError && isValueFault(error) ? new Misplaced(error) : error;
  if (misplaced instanceof Misplaced) misplaced.trail.push(key);
  return misplaced;
}

/** The error for the caller: with the whole path to the value, or as `limit` if the stack overflowed. */
export function placed(error: unknown): unknown {
  if (error instanceof Misplaced) {
    const { code, message, path: inner = [], cause } = error.error;
    const path = [...error.trail.reverse(), ...inner];
    return new PeekpackError(code, `${message} (at ${describe(path)})`, { path, cause });
  }
  return asTooDeep(error);
}

/** `limit` in place of the engine's stack overflow. Other errors are returned unchanged. */
export function asTooDeep(error: unknown): unknown {
  // V8 and JavaScriptCore: "Maximum call stack size exceeded"; SpiderMonkey: "too much recursion".
  return error instanceof Error && error.name !== "Error" && /call stack|recursion/.test(error.message)
    ? new PeekpackError("limit", "The value is nested deeper than the stack allows, or contains itself.")
    : error;
}

function isValueFault({ code }: PeekpackError): boolean {
  return code === "unsupported-value" || code === "limit";
}

function describe(path: readonly unknown[]): string {
  const shown = path.length > 12 ? [...path.slice(0, 6), "…", ...path.slice(-5)] : path;
  return shown.map((key) => (typeof key === "string" ? key : String(key))).join("/");
}

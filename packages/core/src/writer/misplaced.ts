import { PeekpackError } from "../errors.js";

/**
 * A value that cannot be written, on its way up through the containers around it: each adds the key that leads to it. One
 * object whatever the depth, because a value may lie a hundred thousand levels deep.
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

/** Adds the key under which a value could not be written; errors of other kinds stay as they are. */
export function located(error: unknown, key: unknown): unknown {
  const misplaced = error instanceof PeekpackError && isValueFault(error) ? new Misplaced(error) : error;
  if (misplaced instanceof Misplaced) misplaced.trail.push(key);
  return misplaced;
}

/** The error for the caller: with the whole path, where one was collected, and as a typed one where the stack has ended. */
export function placed(error: unknown): unknown {
  if (error instanceof Misplaced) {
    const { code, message, path: inner = [], cause } = error.error;
    const path = [...error.trail.reverse(), ...inner];
    return new PeekpackError(code, `${message} (at ${describe(path)})`, { path, cause });
  }
  return asTooDeep(error);
}

/** A typed error instead of the engine's own where its stack has ended; other errors stay as they are. */
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

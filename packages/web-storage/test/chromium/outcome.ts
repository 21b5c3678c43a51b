import { type ErrorCode, isPeekpackError, PeekpackError } from "@peekpack/core";

/** Outcome of a call between Node and a page, which pass plain data and bytes. */
export type Outcome =
  | { readonly value: unknown }
  | { readonly error: { readonly name: string; readonly message: string; readonly details?: ErrorDetails } }
  /** What was thrown was no error: the reason of an abort. */
  | { readonly reason: unknown };

interface ErrorDetails {
  readonly code: ErrorCode;
  readonly section?: PeekpackError["section"];
}

/** The outcome of some work. */
export async function outcomeOf(work: () => unknown): Promise<Outcome> {
  try {
    return { value: pack(await work()) };
  } catch (error) {
    if (!(error instanceof Error)) return { reason: error };
    const { name, message } = error;
    if (!isPeekpackError(error)) return { error: { name, message } };
    return { error: { name, message, details: { code: error.code, section: error.section } } };
  }
}

/** The value of an outcome. @throws what the work threw, with its class if that is PeekpackError, TypeError or RangeError */
export function resultOf(outcome: Outcome): unknown {
  if ("value" in outcome) return unpack(outcome.value);
  if ("reason" in outcome) throw outcome.reason;
  const { name, message, details } = outcome.error;
  if (details !== undefined) throw new PeekpackError(details.code, message, { section: details.section });
  if (name === "TypeError") throw new TypeError(message);
  if (name === "RangeError") throw new RangeError(message);
  throw Object.assign(new Error(message), { name });
}

/** An object of Node, as a page gets it: its plain fields, and the names of its methods. */
export interface SharedObject {
  readonly shared: number;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly methods: readonly string[];
}

/** A signal of Node, as a page gets it. */
export interface SharedSignal {
  readonly signal: number;
  readonly aborted: { readonly reason: unknown } | undefined;
}

/** Bytes as text: passing arrays takes ten times longer. */
export interface PackedBytes {
  readonly base64: string;
}

/** Packs an argument or a result. */
export function pack(value: unknown): unknown {
  return value instanceof Uint8Array ? { base64: toBase64(value) } : value;
}

/** Undoes {@link pack}. */
export function unpack(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("base64" in value)) return value;
  const text = atob((value as PackedBytes).base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function toBase64(bytes: Uint8Array): string {
  // A multiple of 3, so that the pieces can be joined.
  const step = 0x6000;
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    pieces.push(btoa(String.fromCharCode(...bytes.subarray(at, at + step))));
  }
  return pieces.join("");
}

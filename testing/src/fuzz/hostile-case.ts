import { setTimeout as sleep } from "node:timers/promises";
import { type Archive, isPeekpackError, openArchive } from "@peekpack/core";
import { verifyArchive } from "@peekpack/core/verify";
import type { HostileArchive } from "./hostile-archives.js";

/** What an operation did. */
export interface HostileOutcome {
  readonly archive: string;
  readonly operation: string;
  /** "value", "aborted", or the code of an error. */
  readonly outcome: string;
  /** From the abort to the end of the operation, in milliseconds. 0 if it ended before. */
  readonly abortMs: number;
  /** The longest time in which no timer fired, in milliseconds. */
  readonly blockedMs: number;
  /** Growth of heap and buffers, in bytes. */
  readonly grownBytes: number;
}

type Operation = (archive: Archive, signal: AbortSignal) => Promise<unknown>;

/** Results are dropped while they are iterated, so that an iteration holds none. */
async function drain(values: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of values);
}

/** Operations that read all of an archive. */
export const HOSTILE_OPERATIONS: Readonly<Record<string, Operation>> = {
  read: (archive, signal) => archive.read([], { signal }),
  "select *": (archive, signal) => drain(archive.select("*", { signal })),
  "select */*/*/*": (archive, signal) => drain(archive.select("*/*/*/*", { signal })),
  "keys, awaited": (archive, signal) => archive.keys([], { signal }).toArray(),
  "entries, awaited": (archive, signal) => archive.entries([], { signal }).toArray(),
  "select, awaited": (archive, signal) => archive.select("*", { signal }).toArray(),
  toTypedArray: (archive, signal) => archive.toTypedArray([], "float64", { signal }),
  "raw bytes": (archive, signal) => drain(archive.raw([], { signal })),
  verify: (archive, signal) => verifyArchive(archive, [], signal),
};

/**
 * Runs an operation on a hostile archive, and aborts it after a time.
 * @throws any error that is neither the abort nor a PeekpackError
 */
export async function runHostile(
  { name, bytes }: HostileArchive,
  operation: string,
  abortAfterMs: number,
): Promise<HostileOutcome> {
  const controller = new AbortController();
  const { signal } = controller;
  const before = memory();
  let most = before;
  let blockedMs = 0;
  let tick = performance.now();
  const ticker = setInterval(() => {
    const now = performance.now();
    blockedMs = Math.max(blockedMs, now - tick);
    tick = now;
    most = Math.max(most, memory());
  }, 5);
  const deadline = performance.now() + abortAfterMs;
  const timer = setTimeout(() => controller.abort(new DOMException("enough", "AbortError")), abortAfterMs);
  let outcome = "value";
  try {
    const archive = await openArchive(bytes, { signal });
    await HOSTILE_OPERATIONS[operation]!(archive, signal);
  } catch (error) {
    if (isPeekpackError(error)) outcome = error.code;
    else if (signal.aborted && error === signal.reason) outcome = "aborted";
    // Invalid for this kind of value.
    else if (error instanceof TypeError && operation === "toTypedArray") outcome = "not a list of numbers";
    else throw error;
  }
  const ended = performance.now();
  most = Math.max(most, memory());
  // A timer that is late has been kept from firing.
  await sleep(1);
  blockedMs = Math.max(blockedMs, performance.now() - tick);
  clearInterval(ticker);
  clearTimeout(timer);
  const abortMs = Math.max(0, ended - deadline);
  return { archive: name, operation, outcome, abortMs, blockedMs, grownBytes: most - before };
}

function memory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

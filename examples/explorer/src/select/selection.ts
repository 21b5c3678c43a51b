import { ANY, type Archive, type PathKey, type PathSegment, type Value } from "@peekpack/core";
import { type Failure, failureOf, isAbort } from "../archive/failure.js";
import { typedSegments } from "../archive/segments.js";
import type { Traffic } from "../archive/traffic.js";
import { Emitter } from "../ui/emitter.js";

export type SelectionState = "reading" | "paused" | "stopped" | "done" | "failed";

/** Bytes and requests after which a selection asks whether to continue. */
const BYTES_ALLOWED = 16 * 1000 * 1000;
const REQUESTS_ALLOWED = 2000;
const MAX_MATCHES = 1_000_000;
/** Interval of change events. */
const EMIT_MS = 120;

/** The matches of a pattern, as they arrive. Pauses after an allowance of bytes and requests. */
export class Selection {
  readonly pattern: string;
  readonly paths: PathKey[][] = [];
  readonly values: Value[] = [];
  readonly changed: Emitter = new Emitter();
  state: SelectionState = "reading";
  failure: Failure | undefined;
  readonly #archive: Archive;
  readonly #traffic: Traffic;
  readonly #stopping = new AbortController();
  #proceed: (() => void) | undefined;
  #before = { bytes: 0, requests: 0 };

  constructor(archive: Archive, traffic: Traffic, pattern: string) {
    this.#archive = archive;
    this.#traffic = traffic;
    this.pattern = pattern;
  }

  /** What was read since it began, by other parts of the page too. */
  get cost(): { readonly bytes: number; readonly requests: number } {
    const { bytes, requests } = this.#traffic;
    return { bytes: bytes - this.#before.bytes, requests: requests - this.#before.requests };
  }

  /** Runs the selection. Called once. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    const { bytes, requests } = this.#traffic;
    this.#before = { bytes, requests };
    let allowed = { bytes: bytes + BYTES_ALLOWED, requests: requests + REQUESTS_ALLOWED };
    let emitted = 0;
    try {
      for await (const { path, value } of this.#archive.select(patternOf(this.pattern), { signal })) {
        this.paths.push(path);
        this.values.push(value);
        if (performance.now() - emitted > EMIT_MS) {
          emitted = performance.now();
          this.changed.emit();
          // Lets the page paint between groups that arrive at once.
          await new Promise((resolve) => setTimeout(resolve));
        }
        if (this.paths.length >= MAX_MATCHES) throw new RangeError("There are more than a million matches.");
        if (this.#traffic.bytes > allowed.bytes || this.#traffic.requests > allowed.requests) {
          await this.#pause();
          allowed = {
            bytes: this.#traffic.bytes + BYTES_ALLOWED,
            requests: this.#traffic.requests + REQUESTS_ALLOWED,
          };
        }
        signal.throwIfAborted();
      }
      this.state = "done";
    } catch (error) {
      if (isAbort(error, signal)) this.state = "stopped";
      else {
        this.state = "failed";
        this.failure = failureOf(error);
      }
    }
    this.changed.emit();
  }

  /** Continues after a pause. */
  proceed(): void {
    this.state = "reading";
    this.#proceed?.();
    this.changed.emit();
  }

  /** Stops. The matches stay. */
  stop(): void {
    this.#stopping.abort();
    this.#proceed?.();
  }

  #pause(): Promise<void> {
    this.state = "paused";
    this.changed.emit();
    return new Promise((resolve) => {
      this.#proceed = resolve;
    });
  }
}

/** Converts a typed pattern for core. Quoted segments are exact keys. */
export function patternOf(typed: string): (PathSegment | typeof ANY)[] {
  return typedSegments(typed).map(({ text, exact }) => (text === "*" && !exact ? ANY : text));
}

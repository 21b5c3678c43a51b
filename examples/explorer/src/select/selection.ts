import { ANY, type Archive, type PathKey, type PathSegment, type Value } from "@peekpack/core";
import { type Failure, failureOf, isAbort } from "../archive/failure.js";
import { typedSegments } from "../archive/segments.js";
import type { Traffic } from "../archive/traffic.js";
import { Emitter } from "../ui/emitter.js";

export type SelectionState = "reading" | "paused" | "stopped" | "done" | "failed";

/** After so many bytes or requests a selection waits for the reader's word. */
const BYTES_ALLOWED = 16 * 1000 * 1000;
const REQUESTS_ALLOWED = 2000;
const MOST_MATCHES = 1_000_000;
/** Listeners hear of new matches so often, in milliseconds. */
const TELL_MS = 120;

/** What a pattern matches, as it arrives. Stops at an allowance of bytes and requests, and goes on when it is told to. */
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

  /** What it has cost so far, with all else that was read meanwhile. */
  get cost(): { readonly bytes: number; readonly requests: number } {
    const { bytes, requests } = this.#traffic;
    return { bytes: bytes - this.#before.bytes, requests: requests - this.#before.requests };
  }

  /** Reads. Called once. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    const { bytes, requests } = this.#traffic;
    this.#before = { bytes, requests };
    let allowed = { bytes: bytes + BYTES_ALLOWED, requests: requests + REQUESTS_ALLOWED };
    let told = 0;
    try {
      for await (const { path, value } of this.#archive.select(patternOf(this.pattern), { signal })) {
        this.paths.push(path);
        this.values.push(value);
        if (performance.now() - told > TELL_MS) {
          told = performance.now();
          this.changed.emit();
          // Lets the page paint between groups that arrive together.
          await new Promise((resolve) => setTimeout(resolve));
        }
        if (this.paths.length >= MOST_MATCHES)
          throw new RangeError("More than a million matches are not kept.");
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

  /** Reads on after a pause. */
  proceed(): void {
    this.state = "reading";
    this.#proceed?.();
    this.changed.emit();
  }

  /** Reads no further; what was found stays. */
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

/** A typed pattern as core takes it: quoted segments are exact keys. */
export function patternOf(typed: string): (PathSegment | typeof ANY)[] {
  return typedSegments(typed).map(({ text, exact }) => (text === "*" && !exact ? ANY : text));
}

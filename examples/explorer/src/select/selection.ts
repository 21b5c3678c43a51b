import { ANY, type Archive, type PathKey, type PathSegment, type Value } from "@peekpack/core";
import { Allowance } from "../archive/allowance.js";
import { type Failure, failureOf, isAbort } from "../archive/failure.js";
import { typedSegments } from "../archive/segments.js";
import type { Session } from "../archive/session.js";
import type { Match } from "../download/formats.js";
import { keyMatches, type Searched } from "../search/key-matches.js";
import type { Query } from "../share/link.js";
import { Emitter } from "../ui/emitter.js";

export type SelectionState = "reading" | "paused" | "stopped" | "full" | "done" | "failed";

/** What a query reads before it asks whether to continue, and what one that a link brought reads. */
const ALLOWED = { bytes: 16 * 1000 * 1000, requests: 2000 };
const ALLOWED_FROM_LINK = { bytes: 1000 * 1000, requests: 50 };
/** Matches after which it asks, and those that are kept in all. */
const ASKED_MATCHES = 100_000;
const MAX_MATCHES = 1_000_000;
const READ_AT_ONCE = 64;
/** Interval of change events. */
const EMIT_MS = 120;

/** The matches of a query, as they arrive. It reads no more than is allowed, and then asks. */
export class Selection {
  readonly query: Query;
  readonly paths: (readonly PathKey[])[] = [];
  readonly values: Value[] = [];
  /** What is known of matches that were not read. */
  readonly notes: (string | undefined)[] = [];
  readonly changed: Emitter = new Emitter();
  /** What a search for keys has looked at. */
  readonly searched: Searched = { keys: 0, values: 0, unread: 0 };
  state: SelectionState = "reading";
  failure: Failure | undefined;
  readonly #session: Session;
  readonly #stopping = new AbortController();
  readonly #allowance: Allowance;
  #proceed: (() => void) | undefined;

  constructor(session: Session, query: Query, { linked = false } = {}) {
    this.#session = session;
    this.query = query;
    this.#allowance = new Allowance(
      ALLOWED,
      (next) => this.#become(next === undefined ? "reading" : "paused"),
      linked ? ALLOWED_FROM_LINK : ALLOWED,
    );
  }

  /** Bytes and requests that it has asked for. */
  get cost(): { readonly bytes: number; readonly requests: number } {
    return this.#allowance.spent;
  }

  /** Bytes of the request that waits for permission. */
  get next(): number | undefined {
    return this.#allowance.next;
  }

  /** Whether the values of the matches were read. */
  get hasValues(): boolean {
    return this.query.kind !== "keys";
  }

  /** Runs the query. Called once. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    let emitted = 0;
    let archive: Archive | undefined;
    try {
      archive = await this.#session.walker(this.#allowance);
      for await (const { path, value, note } of matchesOf(archive, this.query, signal, this.searched)) {
        this.paths.push(path);
        this.values.push(value);
        this.notes.push(note);
        if (performance.now() - emitted > EMIT_MS) {
          emitted = performance.now();
          this.changed.emit();
          // Lets the page paint between groups that arrive at once.
          await new Promise((resolve) => setTimeout(resolve));
        }
        signal.throwIfAborted();
        if (this.paths.length >= MAX_MATCHES) {
          this.state = "full";
          break;
        }
        if (this.paths.length % ASKED_MATCHES === 0) await this.#pause();
      }
      if (this.state !== "full") this.state = "done";
    } catch (error) {
      if (isAbort(error, signal)) this.state = "stopped";
      else {
        this.state = "failed";
        this.failure = failureOf(error);
      }
    } finally {
      await archive?.close();
    }
    this.changed.emit();
  }

  /** The matches so far, as they were read. */
  *matches(): Generator<Match> {
    for (const [i, path] of this.paths.entries()) yield { path, value: this.values[i] };
  }

  /** The matches so far. Those that were not read are read now, some at a time. */
  async *withValues(signal: AbortSignal): AsyncGenerator<Match> {
    if (this.hasValues) {
      yield* this.matches();
      return;
    }
    for (let from = 0; from < this.paths.length; from += READ_AT_ONCE) {
      const paths = this.paths.slice(from, from + READ_AT_ONCE);
      const values = await this.#session.archive.readMany(paths, { signal });
      for (const [i, path] of paths.entries()) yield { path, value: values[i] as Value };
    }
  }

  /** All matches, read again as they are asked for. */
  async *again(signal: AbortSignal): AsyncGenerator<Match> {
    yield* matchesOf(this.#session.archive, this.query, signal, { keys: 0, values: 0, unread: 0 });
  }

  /** Continues after a pause. */
  proceed(): void {
    const go = this.#proceed;
    this.#proceed = undefined;
    if (this.next !== undefined) this.#allowance.proceed();
    this.#become("reading");
    go?.();
  }

  /** Stops. The matches stay. */
  stop(): void {
    this.#stopping.abort();
    this.#proceed?.();
  }

  #become(state: "reading" | "paused"): void {
    if (this.state !== "reading" && this.state !== "paused") return;
    this.state = state;
    this.changed.emit();
  }

  #pause(): Promise<void> {
    this.#become("paused");
    return new Promise((resolve) => {
      this.#proceed = resolve;
    });
  }
}

/** Converts a typed pattern for core. Quoted segments are exact keys. */
export function patternOf(typed: string): (PathSegment | typeof ANY)[] {
  return typedSegments(typed).map(({ text, exact }) => (text === "*" && !exact ? ANY : text));
}

async function* matchesOf(
  archive: Archive,
  { kind, text }: Query,
  signal: AbortSignal,
  searched: Searched,
): AsyncGenerator<Match & { readonly note?: string | undefined }> {
  switch (kind) {
    case "select":
      yield* archive.select(patternOf(text), { signal });
      return;
    case "jsonpath": {
      // JSONPath is a chunk of its own.
      const { fromNormalizedPath, query } = await import("@peekpack/jsonpath");
      for await (const { path, value } of query(archive, text, { signal })) {
        yield { path: fromNormalizedPath(path), value };
      }
      return;
    }
    default:
      yield* keyMatches(archive, text, { signal, searched, inValues: kind === "values" });
  }
}

import type { Fault } from "./fault.js";
import type { SeenRequest } from "./request.js";

/** Selects requests. All given fields must match. */
export interface RequestPattern {
  /** Default: every method except OPTIONS, so that preflights pass. */
  readonly method?: string | readonly string[] | undefined;
  /** A substring of the path, or a pattern. */
  readonly path?: string | RegExp | undefined;
  /** Whether there is a Range header, or its value. */
  readonly range?: boolean | string | RegExp | undefined;
  /** Name of a query field: "uploads", "uploadId", "partNumber". */
  readonly query?: string | undefined;
  /** Which of the requests that match the other fields, counted from 1. */
  readonly nth?: number | readonly number[] | ((n: number) => boolean) | undefined;
  readonly test?: ((request: SeenRequest) => boolean) | undefined;
}

export interface FaultRule {
  /** Default: every request but OPTIONS. */
  readonly when?: RequestPattern | undefined;
  readonly fault: Fault;
  /** Maximum number of requests the fault applies to. Default: no limit. */
  readonly times?: number | undefined;
}

/** An active rule. */
export interface ActiveRule {
  /** How often its fault was applied. */
  readonly hits: number;
  remove(): void;
}

/** A predicate that is true with the given probability, deterministic for a seed. */
export function sometimes(probability: number, seed = 1): () => boolean {
  const next = randomNumbers(seed);
  return () => next() < probability;
}

/** Numbers in [0, 1), deterministic for a seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function matches(pattern: RequestPattern, request: SeenRequest): boolean {
  const { method, path, range, query, test } = pattern;
  if (method === undefined ? request.method === "OPTIONS" : ![method].flat().includes(request.method))
    return false;
  if (typeof path === "string" && !request.path.includes(path)) return false;
  if (path instanceof RegExp && !path.test(request.path)) return false;
  if (typeof range === "boolean" && range !== (request.range !== undefined)) return false;
  if (typeof range === "string" && range !== request.range) return false;
  if (range instanceof RegExp && !range.test(request.range ?? "")) return false;
  if (query !== undefined && !request.queryNames.includes(query)) return false;
  return test === undefined || test(request);
}

function chosen(nth: RequestPattern["nth"], count: number): boolean {
  if (nth === undefined) return true;
  if (typeof nth === "function") return nth(count);
  return [nth].flat().includes(count);
}

/** The active rules, in order of addition. */
export class RuleBook {
  readonly #rules = new Set<{ rule: FaultRule; seen: number; hits: number }>();

  add(rule: FaultRule): ActiveRule {
    const entry = { rule, seen: 0, hits: 0 };
    this.#rules.add(entry);
    return {
      get hits(): number {
        return entry.hits;
      },
      remove: () => {
        this.#rules.delete(entry);
      },
    };
  }

  clear(): void {
    this.#rules.clear();
  }

  /** The fault of the first rule that applies to the request. Every matching rule counts the request. */
  take(request: SeenRequest): Fault | undefined {
    let fault: Fault | undefined;
    for (const entry of this.#rules) {
      const { when = {}, times = Number.POSITIVE_INFINITY } = entry.rule;
      if (!matches(when, request)) continue;
      entry.seen += 1;
      if (fault !== undefined || entry.hits >= times || !chosen(when.nth, entry.seen)) continue;
      entry.hits += 1;
      fault = entry.rule.fault;
    }
    return fault;
  }
}

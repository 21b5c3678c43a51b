import type { Fault } from "./fault.js";
import type { SeenRequest } from "./request.js";

/** Which requests a rule is for. All that is given must hold. */
export interface RequestPattern {
  /** Default: every one but OPTIONS, so that a browser's preflights pass. */
  readonly method?: string | readonly string[] | undefined;
  /** Text that the path holds, or a pattern for it. */
  readonly path?: string | RegExp | undefined;
  /** Whether there is a Range header, or what it is. */
  readonly range?: boolean | string | RegExp | undefined;
  /** A name that the query holds: "uploads", "uploadId", "partNumber". */
  readonly query?: string | undefined;
  /** Which of the requests that fit the rest: 1 for the first, or a choice by their count. */
  readonly nth?: number | readonly number[] | ((n: number) => boolean) | undefined;
  readonly test?: ((request: SeenRequest) => boolean) | undefined;
}

export interface FaultRule {
  /** Default: every request but OPTIONS. */
  readonly when?: RequestPattern | undefined;
  readonly fault: Fault;
  /** How often, at most. Default: always. */
  readonly times?: number | undefined;
}

/** A rule in force. */
export interface ActiveRule {
  /** How often its fault was done. */
  readonly hits: number;
  remove(): void;
}

/** A choice that falls on a request with the given probability, the same in every run of the same seed. */
export function sometimes(probability: number, seed = 1): () => boolean {
  const next = randomNumbers(seed);
  return () => next() < probability;
}

/** Numbers from 0 to before 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function fits(pattern: RequestPattern, request: SeenRequest): boolean {
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

/** The rules in force, in the order they came. */
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

  /** The fault of the first rule that is for this request. Every rule that the request fits counts it. */
  take(request: SeenRequest): Fault | undefined {
    let fault: Fault | undefined;
    for (const entry of this.#rules) {
      const { when = {}, times = Number.POSITIVE_INFINITY } = entry.rule;
      if (!fits(when, request)) continue;
      entry.seen += 1;
      if (fault !== undefined || entry.hits >= times || !chosen(when.nth, entry.seen)) continue;
      entry.hits += 1;
      fault = entry.rule.fault;
    }
    return fault;
  }
}

import { Contestant, type Entry } from "./contestant.js";
import type { Facts, Lap } from "./job.js";
import { type Spread, spread } from "./spread.js";

/** Length of a contest. */
export interface ContestOptions {
  /** Measured laps of each contestant. */
  readonly rounds: number;
  /** Runs are repeated within a lap until the lap takes about this long. Default 100 ms. */
  readonly lapMs?: number | undefined;
  /** Minimum warm-up time of each contestant. Default 1,200 ms. */
  readonly warmUpMs?: number | undefined;
  /** Minimum number of warm-up laps. Default 2. */
  readonly warmUpLaps?: number | undefined;
}

/** Hooks around the laps. */
export interface Hooks {
  /** The job's argument in a round, the same for all contestants. */
  argument?(round: number): unknown;
  /** Runs before each lap, including warm-up. */
  before?(contestant: string, round: number): void | Promise<void>;
  /** Runs after each lap. Its facts are added to the lap's. */
  after?(contestant: string, round: number): Facts | Promise<Facts>;
}

/** The laps of one contestant. */
export interface LapSeries {
  readonly name: string;
  readonly facts: Facts;
  readonly laps: readonly Lap[];
}

/**
 * Runs each contestant in a process of its own. After the warm-ups, laps alternate: A B C A B C …
 * @returns the laps of each contestant, in the order of the entries
 */
export async function contest(
  entries: readonly Entry[],
  options: ContestOptions,
  hooks: Hooks = {},
): Promise<LapSeries[]> {
  const { rounds, lapMs = 100, warmUpMs = 1200, warmUpLaps = 2 } = options;
  const runners: { contestant: Contestant; repeat: number; laps: Lap[] }[] = [];
  try {
    // Start in sequence: preparing a job may need much memory.
    for (const entry of entries) {
      runners.push({ contestant: await Contestant.start(entry), repeat: 1, laps: [] });
    }
    const run = async (runner: (typeof runners)[number], round: number): Promise<Lap> => {
      const { contestant, repeat } = runner;
      await hooks.before?.(contestant.name, round);
      const lap = await contestant.lap(repeat, hooks.argument?.(round));
      const more = (await hooks.after?.(contestant.name, round)) ?? {};
      return { ...lap, facts: { ...lap.facts, ...more } };
    };
    let round = -1;
    for (const runner of runners) {
      let spent = 0;
      for (let laps = 0; laps < warmUpLaps || spent < warmUpMs; laps++) {
        const { wallMs } = await run(runner, round--);
        spent += wallMs * runner.repeat;
        runner.repeat = Math.min(1000, Math.max(1, Math.round(lapMs / wallMs)));
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const runner of runners) runner.laps.push(await run(runner, round));
    }
    return runners.map(({ contestant: { name, facts }, laps }) => ({ name, facts, laps }));
  } finally {
    for (const { contestant } of runners) await contestant.close();
  }
}

/** Comparison of two contestants. */
export interface Comparison {
  /** Ratio of wall-clock times, round by round. */
  readonly wall: Spread;
  /** Ratio of processor times, round by round. */
  readonly cpu: Spread;
  /** Ratio of the minimum times over all rounds: an estimate for an idle machine. */
  readonly best: { readonly wall: number; readonly cpu: number };
}

/** Compares two series of laps. Below 1, the first is faster. */
export function compare(ours: LapSeries, theirs: LapSeries): Comparison {
  const ratios = (of: (lap: Lap) => number): Spread =>
    spread(ours.laps.map((lap, i) => of(lap) / of(theirs.laps[i]!)));
  const best = (of: (lap: Lap) => number): number =>
    Math.min(...ours.laps.map(of)) / Math.min(...theirs.laps.map(of));
  const wall = (lap: Lap): number => lap.wallMs;
  const cpu = (lap: Lap): number => lap.cpuMs;
  return { wall: ratios(wall), cpu: ratios(cpu), best: { wall: best(wall), cpu: best(cpu) } };
}

/** Medians of times and facts over a series of laps. */
export function medians(series: LapSeries): {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakRssBytes: number;
  readonly facts: Facts;
} {
  const of = (pick: (lap: Lap) => number): number => spread(series.laps.map(pick)).median;
  const names = Object.keys(series.laps[0]!.facts);
  return {
    wallMs: of(({ wallMs }) => wallMs),
    cpuMs: of(({ cpuMs }) => cpuMs),
    peakRssBytes: series.laps.at(-1)!.peakRssBytes,
    facts: {
      ...series.facts,
      ...Object.fromEntries(names.map((name) => [name, of(({ facts }) => facts[name]!)])),
    },
  };
}

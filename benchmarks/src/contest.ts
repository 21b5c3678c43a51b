import { Contestant, type Entry } from "./contestant.js";
import type { Facts, Lap } from "./job.js";
import { type Spread, spread } from "./spread.js";

/** How long a contest is. */
export interface Length {
  /** Laps that count, of each contestant. */
  readonly rounds: number;
  /** Runs are repeated within a lap until it takes about so long. Default 100 ms. */
  readonly lapMs?: number | undefined;
  /** Each contestant runs for at least so long before anything counts. Default 1,200 ms. */
  readonly warmUpMs?: number | undefined;
  /** And at least so many times. Default 2. */
  readonly warmUpLaps?: number | undefined;
}

/** What a benchmark does around the laps. */
export interface Around {
  /** Given to the job in this round; the same for all contestants. */
  argument?(round: number): unknown;
  /** Before each lap, warm-up included. */
  before?(contestant: string, round: number): void | Promise<void>;
  /** After each lap; what it gives is added to the lap's facts. */
  after?(contestant: string, round: number): Facts | Promise<Facts>;
}

/** One contestant's laps, and what it said of itself. */
export interface Course {
  readonly name: string;
  readonly facts: Facts;
  readonly laps: readonly Lap[];
}

/**
 * Lets contestants, each in a process of its own, run laps in turn: A B C A B C …, after a warm-up in the same order.
 * @returns each one's laps, in the order of the entries
 */
export async function contest(
  entries: readonly Entry[],
  length: Length,
  around: Around = {},
): Promise<Course[]> {
  const { rounds, lapMs = 100, warmUpMs = 1200, warmUpLaps = 2 } = length;
  const runners: { contestant: Contestant; repeat: number; laps: Lap[] }[] = [];
  try {
    // One after the other: getting ready may take all the memory there is to spare.
    for (const entry of entries) {
      runners.push({ contestant: await Contestant.start(entry), repeat: 1, laps: [] });
    }
    const run = async (runner: (typeof runners)[number], round: number): Promise<Lap> => {
      const { contestant, repeat } = runner;
      await around.before?.(contestant.name, round);
      const lap = await contestant.lap(repeat, around.argument?.(round));
      const more = (await around.after?.(contestant.name, round)) ?? {};
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

/** Two contestants compared, round by round. */
export interface Comparison {
  /** Time of the first over time of the second, each round's own. */
  readonly wall: Spread;
  readonly cpu: Spread;
  /** Each one's least time over all rounds, compared: what a machine that does nothing else would show, about. */
  readonly best: { readonly wall: number; readonly cpu: number };
}

/** Compares two courses round by round: below 1 the first was faster. */
export function compare(ours: Course, theirs: Course): Comparison {
  const ratios = (of: (lap: Lap) => number): Spread =>
    spread(ours.laps.map((lap, i) => of(lap) / of(theirs.laps[i]!)));
  const best = (of: (lap: Lap) => number): number =>
    Math.min(...ours.laps.map(of)) / Math.min(...theirs.laps.map(of));
  const wall = (lap: Lap): number => lap.wallMs;
  const cpu = (lap: Lap): number => lap.cpuMs;
  return { wall: ratios(wall), cpu: ratios(cpu), best: { wall: best(wall), cpu: best(cpu) } };
}

/** Medians over a course's laps: of the times, and of every fact. */
export function middle(course: Course): {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakRssBytes: number;
  readonly facts: Facts;
} {
  const of = (pick: (lap: Lap) => number): number => spread(course.laps.map(pick)).median;
  const names = Object.keys(course.laps[0]!.facts);
  return {
    wallMs: of(({ wallMs }) => wallMs),
    cpuMs: of(({ cpuMs }) => cpuMs),
    peakRssBytes: course.laps.at(-1)!.peakRssBytes,
    facts: {
      ...course.facts,
      ...Object.fromEntries(names.map((name) => [name, of(({ facts }) => facts[name]!)])),
    },
  };
}

import { compare, type LapSeries, medians } from "./contest.js";
import type { Facts } from "./job.js";
import type { Spread } from "./spread.js";

/** Required ratio. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** Medians of one side of a comparison, in milliseconds and bytes. */
export interface Side {
  readonly name: string;
  readonly wallMs?: number | undefined;
  readonly cpuMs?: number | undefined;
  readonly peakRssBytes?: number | undefined;
  readonly facts: Facts;
}

/** One row of the table: the ratio of peekpack's figure to a peer's, over all rounds. */
export interface Row {
  readonly data: string;
  readonly ours: Side;
  readonly peer: Side;
  /** The compared figure: "time", "rate", or another name. */
  readonly measure: string;
  readonly ratio: Spread;
  /** Ratio of processor times, less sensitive to other load than wall-clock times. */
  readonly cpu?: Spread | undefined;
  /** Ratios of the minimum times. */
  readonly best?: { readonly wall: number; readonly cpu: number } | undefined;
  readonly goal?: Goal | undefined;
  readonly met?: boolean | undefined;
}

/** Whether a median meets a goal. */
export function meets(median: number, goal: Goal): boolean {
  return "atMost" in goal ? median <= goal.atMost : median >= goal.atLeast;
}

const judged = (ratio: Spread, goal: Goal | undefined): Pick<Row, "goal" | "met"> =>
  goal === undefined ? {} : { goal, met: meets(ratio.median, goal) };

/** Compares times: below 1, peekpack is faster. */
export function timeRow(data: string, ours: LapSeries, peer: LapSeries, goal?: Goal): Row {
  const { wall, cpu, best } = compare(ours, peer);
  return {
    data,
    ours: { name: ours.name, ...medians(ours) },
    peer: { name: peer.name, ...medians(peer) },
    measure: "time",
    ratio: wall,
    cpu,
    best,
    ...judged(wall, goal),
  };
}

/** Compares rates: above 1, peekpack is faster. */
export function rateRow(data: string, ours: LapSeries, peer: LapSeries, goal?: Goal): Row {
  const { wall } = compare(peer, ours);
  const { cpu: _, best: __, ...row } = timeRow(data, ours, peer);
  return { ...row, measure: "rate", ratio: wall, ...judged(wall, goal) };
}

/** Compares a single figure of each side. */
export function figureRow(
  data: string,
  measure: string,
  ours: Side & { readonly figure: number },
  peer: Side & { readonly figure: number },
  goal?: Goal,
): Row {
  const { figure: mine, ...us } = ours;
  const { figure: theirs, ...them } = peer;
  const value = mine / theirs;
  const ratio = { min: value, median: value, max: value };
  return { data, ours: us, peer: them, measure, ratio, ...judged(ratio, goal) };
}

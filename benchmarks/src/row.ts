import { type Course, compare, middle } from "./contest.js";
import type { Facts } from "./job.js";
import type { Spread } from "./spread.js";

/** What a ratio should be. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** One side of a comparison, in medians. Milliseconds and bytes. */
export interface Side {
  readonly name: string;
  readonly wallMs?: number | undefined;
  readonly cpuMs?: number | undefined;
  readonly peakRssBytes?: number | undefined;
  readonly facts: Facts;
}

/** One line of the table: a ratio of peekpack's to a peer's figure, over the rounds. */
export interface Row {
  readonly data: string;
  readonly ours: Side;
  readonly peer: Side;
  /** What the ratio is of: "time", "rate", or a fact's name. */
  readonly measure: string;
  readonly ratio: Spread;
  /** The ratio of processor times beside one of times: less disturbed by what else the machine does. */
  readonly cpu?: Spread | undefined;
  /** The ratios of the least times. */
  readonly best?: { readonly wall: number; readonly cpu: number } | undefined;
  readonly goal?: Goal | undefined;
  readonly met?: boolean | undefined;
}

/** Whether a ratio's median is what it should be. */
export function meets(median: number, goal: Goal): boolean {
  return "atMost" in goal ? median <= goal.atMost : median >= goal.atLeast;
}

const judged = (ratio: Spread, goal: Goal | undefined): Pick<Row, "goal" | "met"> =>
  goal === undefined ? {} : { goal, met: meets(ratio.median, goal) };

/** The time of one over the time of the other. */
export function timeRow(data: string, ours: Course, peer: Course, goal?: Goal): Row {
  const { wall, cpu, best } = compare(ours, peer);
  return {
    data,
    ours: { name: ours.name, ...middle(ours) },
    peer: { name: peer.name, ...middle(peer) },
    measure: "time",
    ratio: wall,
    cpu,
    best,
    ...judged(wall, goal),
  };
}

/** How much one gets done in the time of the other: above 1 the first was faster. */
export function rateRow(data: string, ours: Course, peer: Course, goal?: Goal): Row {
  const { wall } = compare(peer, ours);
  const { cpu: _, best: __, ...row } = timeRow(data, ours, peer);
  return { ...row, measure: "rate", ratio: wall, ...judged(wall, goal) };
}

/** Something else that has one figure a side. */
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

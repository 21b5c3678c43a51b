import type { Result } from "../record.js";
import { ratioText, sideText } from "../report.js";
import type { Row, Side } from "../row.js";

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];
const key = ({ ours, peer, measure }: Row): string => [ours.name, peer.name, measure].join("\n");

const median = ({ ratio }: Row): string => (ratio.median === 0 ? "0" : ratioText(ratio.median));

/** Sides with their medians, a row for each comparison. */
function listTable(rows: readonly Row[]): string[] {
  const side = (side: Side): string => {
    // A fact of 0 was not counted on this side, or is the ratio itself.
    const facts = Object.fromEntries(Object.entries(side.facts).filter(([, value]) => value !== 0));
    return [side.name, sideText({ ...side, facts })].filter((text) => text !== "").join("<br>");
  };
  return [
    line(["", "peekpack", "peer", "measure", "ratio"]),
    line(["---", "---", "---", "---", "---"]),
    ...rows.map((row) => line([row.data, side(row.ours), side(row.peer), row.measure, median(row)])),
  ];
}

/** Ratios alone, a column for each of three or more data sets. Undefined if there are fewer, or other comparisons for each. */
function dataTable(rows: readonly Row[]): string[] | undefined {
  const data = unique(rows.map((row) => row.data));
  const kinds = unique(rows.map(key));
  if (data.length < 3 || kinds.length * data.length !== rows.length) return undefined;
  const found = (kind: string, of: string): Row | undefined =>
    rows.find((row) => key(row) === kind && row.data === of);
  if (kinds.some((kind) => data.some((of) => found(kind, of) === undefined))) return undefined;
  return [
    line(["peekpack", "peer", "measure", ...data]),
    line(["---", "---", "---", ...data.map(() => "---")]),
    ...kinds.map((kind) => line([...kind.split("\n"), ...data.map((of) => median(found(kind, of)!))])),
  ];
}

/**
 * The medians of one contestant and of all its peers: a column for each, and a row for each of two or more data sets. Undefined if there
 * are several contestants, or fewer than two peers. Peers of some of the data sets alone, such as bounds, are left out.
 */
function sideTable(rows: readonly Row[]): string[] | undefined {
  const data = unique(rows.map((row) => row.data));
  const found = (name: string, of: string): Row | undefined =>
    rows.find((row) => row.data === of && row.peer.name === name);
  const peers = unique(rows.map(({ peer }) => peer.name)).filter((name) =>
    data.every((of) => found(name, of) !== undefined),
  );
  const names = unique(rows.map(({ ours }) => ours.name));
  if (names.length > 1 || data.length < 2 || peers.length < 2) return undefined;
  const heads = ["", names[0]!, ...peers];
  return [
    line(heads),
    line(heads.map(() => "---")),
    ...data.map((of) => {
      const sides = peers.map((name) => found(name, of)!);
      return line([of, sideText(sides[0]!.ours), ...sides.map(({ peer }) => sideText(peer))]);
    }),
  ];
}

/** How the figures of a table came about: rounds, machine, versions and date. */
function caption(results: readonly Result[], ratios: boolean): string {
  const rows = results.flatMap((result) => result.rows);
  const measures = unique(rows.map(({ measure }) => measure));
  const peers = new Set(rows.flatMap(({ peer }) => peer.name.toLowerCase().split(/[^\w-]+/)));
  const { processor, cores, memoryBytes, node } = results[0]!.circumstances;
  const versions = Object.entries(
    Object.assign({}, ...results.map((result) => result.circumstances.versions)),
  )
    .filter(([name]) => peers.has(name.split("/").at(-1)!))
    .map(([name, version]) => `${name} ${version}`);
  const rounds = unique(results.map((result) => result.rounds));
  const counts = rounds
    .map((count) => (count === 1 ? "of one round" : `the median of ${count} rounds`))
    .join(" or ");
  return [
    ratios ? `Ratios of peekpack to the peer, ${counts}.` : `Measurements, ${counts}.`,
    ...(ratios && measures.includes("time") ? ["Time: below 1, peekpack takes less."] : []),
    ...(ratios && measures.includes("rate") ? ["Rate: above 1, peekpack is faster."] : []),
    `${processor}, ${cores} cores, ${Math.round(memoryBytes / 2 ** 30)} GiB;`,
    `${[`Node ${node.slice(1)}`, ...versions].join(", ")};`,
    `${unique(results.map((result) => result.circumstances.at.slice(0, 10)))
      .sort()
      .join(", ")}.`,
  ].join(" ");
}

/**
 * Writes results as a Markdown table with a caption. Neither names a host.
 * @param results of benchmarks whose rows are shown in one table
 */
export function figures(results: readonly Result[]): string {
  const rows = results.flatMap((result) => result.rows);
  const ratios = dataTable(rows);
  const sides = ratios ? undefined : sideTable(rows);
  return [...(ratios ?? sides ?? listTable(rows)), "", caption(results, sides === undefined)].join("\n");
}

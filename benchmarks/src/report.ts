import type { Goal, Row, Side } from "./row.js";

/** Formats a ratio with three significant digits. */
export const ratioText = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(value < 0.1 ? 4 : 3);

const goalText = (goal: Goal | undefined): string =>
  goal === undefined ? "" : "atMost" in goal ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`;

const time = (ms: number): string =>
  ms >= 1000
    ? `${(ms / 1000).toFixed(2)} s`
    : ms >= 1
      ? `${ms.toFixed(1)} ms`
      : `${(ms * 1000).toFixed(0)} µs`;

function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} KB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function factText(name: string, value: number): string {
  if (/bytes$/i.test(name)) return `${bytesText(value)} ${name.replace(/bytes$/i, "")}`.trimEnd();
  return `${Number(value.toPrecision(4))} ${value === 1 ? name.replace(/s$/, "") : name}`;
}

/** Formats the medians of a side. */
export const sideText = ({ wallMs, facts }: Side): string =>
  [
    ...(wallMs === undefined ? [] : [time(wallMs)]),
    ...Object.entries(facts).map(([name, value]) => factText(name, value)),
  ].join(", ");

const HEADS = [
  "data",
  "peekpack",
  "peer",
  "measure",
  "ratio",
  "min … max",
  "best",
  "cpu",
  "goal",
  "",
  "medians",
] as const;

/** Formats the rows of one benchmark as a text table. */
export function tableText(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.data,
    row.ours.name,
    row.peer.name,
    row.measure,
    ratioText(row.ratio.median),
    `${ratioText(row.ratio.min)} … ${ratioText(row.ratio.max)}`,
    row.best === undefined ? "" : ratioText(row.best.wall),
    row.cpu === undefined ? "" : ratioText(row.cpu.median),
    goalText(row.goal),
    row.met === undefined ? "" : row.met ? "met" : "MISSED",
    `${sideText(row.ours)} | ${sideText(row.peer)}`,
  ]);
  const lines = [[...HEADS], ...cells];
  const widths = HEADS.map((_, i) => Math.max(...lines.map((line) => [...line[i]!].length)));
  const text = (line: readonly string[]): string =>
    line
      .map((cell, i) => cell + " ".repeat(widths[i]! - [...cell].length))
      .join("  ")
      .trimEnd();
  return [
    text(lines[0]!),
    widths.map((width) => "─".repeat(width)).join("  "),
    ...lines.slice(1).map(text),
  ].join("\n");
}

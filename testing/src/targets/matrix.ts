import { isFailure, type Results } from "./target.js";

const BEGIN = "<!-- targets: written by npm run targets -- --write -->";
const END = "<!-- /targets -->";

/** What the checks of one target came to. */
export interface Outcome {
  readonly name: string;
  readonly results: Results;
}

/** The outcomes as tables in Markdown: a row for each target, a column for each check, and below them why a target cannot do something. */
export function markdown(tables: readonly (readonly Outcome[])[], run: string): string {
  const reasons: string[] = [];
  const cell = ({ results }: Outcome, check: string): string => {
    // Nothing was checked if the target could not be set up.
    const result = results[check] ?? results.installed;
    if (result === undefined) return "–";
    if (isFailure(result)) return "✗";
    if (result === "ok") return "✓";
    const reason = result.slice("– ".length);
    if (!reasons.includes(reason)) reasons.push(reason);
    return `–<sup>${reasons.indexOf(reason) + 1}</sup>`;
  };
  const text = tables
    .filter((outcomes) => outcomes.length > 0)
    .map((outcomes) => {
      const checks = [...new Set(outcomes.flatMap(({ results }) => Object.keys(results)))].filter(
        (check) => check !== "installed",
      );
      const rows = outcomes.map((outcome) => [outcome.name, ...checks.map((check) => cell(outcome, check))]);
      return [["", ...checks], ["", ...checks].map(() => "---"), ...rows]
        .map((cells) => `| ${cells.join(" | ")} |`)
        .join("\n");
    });
  const notes = reasons.map((reason, index) => `<sup>${index + 1}</sup> ${reason}.`);
  return [...text, ...notes, `Run: ${run}.`].join("\n\n");
}

/** Replaces the matrix in a text. @throws Error if the text has no place for it */
export function withMatrix(text: string, matrix: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the text does not contain ${BEGIN}`);
  return `${text.slice(0, begin)}${BEGIN}\n\n${matrix}\n\n${text.slice(end)}`;
}

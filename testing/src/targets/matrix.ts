import type { Results } from "./target.js";

const BEGIN = "<!-- targets: written by npm run targets -- --write -->";
const END = "<!-- /targets -->";

/** The results as tables, one for each set of checks. */
export function markdown(
  outcomes: readonly { readonly name: string; readonly results: Results }[],
  run: string,
): string {
  const groups = new Map<string, { readonly name: string; readonly results: Results }[]>();
  for (const outcome of outcomes) {
    const checks = Object.keys(outcome.results).join("|");
    groups.set(checks, [...(groups.get(checks) ?? []), outcome]);
  }
  const tables = [...groups].map(([key, rows]) => {
    const checks = key.split("|");
    const lines = rows.map(({ name, results }) =>
      [name, ...checks.map((check) => (results[check] === "ok" ? "✓" : "✗"))].join(" | "),
    );
    return [
      `| | ${checks.join(" | ")} |`,
      `|---|${checks.map(() => "---|").join("")}`,
      ...lines.map((line) => `| ${line} |`),
    ];
  });
  return [`Run: ${run}.`, ...tables.map((lines) => lines.join("\n"))].join("\n\n");
}

/** Replaces the matrix in a text. @throws Error if the text has no place for it */
export function withMatrix(text: string, matrix: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the text does not contain ${BEGIN}`);
  return `${text.slice(0, begin)}${BEGIN}\n\n${matrix}\n\n${text.slice(end)}`;
}

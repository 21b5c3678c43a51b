import type { Results } from "./results.js";
import { figures } from "./table.js";

const MARKED = /(<!-- figures: (.+?) -->\n)[\s\S]*?(<!-- \/figures -->)/g;

/**
 * Replaces what is between `<!-- figures: NAME -->` and `<!-- /figures -->` by the table of a benchmark. Several names,
 * separated by blanks, make one table.
 * @throws Error if there is no result of that name
 */
export function fillFigures(markdown: string, results: Results): string {
  return markdown.replace(MARKED, (_, open: string, names: string, close: string) => {
    const found = names.split(" ").map((name) => {
      const result = results[name];
      if (result === undefined) throw new Error(`There is no result of the benchmark ${name}.`);
      return result;
    });
    return `${open}\n${figures(found)}\n\n${close}`;
  });
}

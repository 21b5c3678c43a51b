import type { Part } from "../numbers/axis.js";
import type { Statistics } from "../numbers/statistics.js";
import { summarised } from "../numbers/summarised.js";
import type { Summary } from "../numbers/summary.js";
import { el, fill } from "../ui/dom.js";
import { count, measure } from "../ui/format.js";
import { histogramPlot } from "./histogram-plot.js";

/** A summary as a list of terms. */
function summaryTerms(summary: Summary): HTMLElement[] {
  const rows: [string, string][] = [
    ["Numbers", count(summary.count)],
    ["Least", measure(summary.least)],
    ["Median", measure(summary.median)],
    ["Mean", measure(summary.mean)],
    ["Greatest", measure(summary.greatest)],
    ["Std. deviation", measure(summary.deviation)],
  ];
  if (summary.missing > 0) rows.push(["Not finite, or none", count(summary.missing)]);
  return rows.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]);
}

/** A histogram of a column, and its summary. Numbers are summarised by a worker if there are many. */
export class SummaryFoot {
  readonly element: HTMLElement;
  readonly #facts: HTMLElement = el("dl", "facts plot-facts");
  readonly #closing = new AbortController();
  #working: AbortController | undefined;
  #shown: { readonly statistics: Statistics; readonly index: number } | undefined;
  readonly #spread = histogramPlot(
    () => this.#shown && { histogram: this.#shown.statistics.histogram, index: this.#shown.index },
  );

  constructor() {
    this.element = el(
      "div",
      "plot-foot",
      el("figure", "plot-figure spread", this.#spread.element),
      this.#facts,
    );
  }

  /** Shows the numbers of a column. `index` chooses its color. */
  async show(numbers: Iterable<Part>, index: number): Promise<void> {
    this.#working?.abort();
    this.#working = new AbortController();
    const signal = AbortSignal.any([this.#working.signal, this.#closing.signal]);
    try {
      const statistics = await summarised(numbers, signal);
      if (signal.aborted) return;
      this.#shown = { statistics, index };
      fill(this.#facts, ...summaryTerms(statistics.summary));
      this.#spread.paintSoon();
    } catch (error) {
      if (!signal.aborted) fill(this.#facts, el("dd", { text: String(error) }));
    }
  }

  close(): void {
    this.#closing.abort();
    this.#spread.close();
  }
}

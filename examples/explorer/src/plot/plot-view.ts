import { MOST_LINES, type Series } from "../numbers/series.js";
import { type Summary, summarise } from "../numbers/summary.js";
import { el, fill } from "../ui/dom.js";
import { count, measure } from "../ui/format.js";
import type { View } from "../value/view.js";
import { type Grid, heatPlot } from "./heat-plot.js";
import { histogramPlot } from "./histogram-plot.js";
import { LinePlot } from "./line-plot.js";

export interface PlotOptions {
  /** The same numbers in rows and columns, where they are that. */
  readonly grid?: Grid | undefined;
  /** A name for the place of an index. Default: the index. */
  nameOf?(index: number): string;
}

/** Columns of numbers as lines, with how one of them is spread and what it comes to. */
export function plotView(all: readonly Series[], options: PlotOptions = {}): View {
  const series = all.slice(0, MOST_LINES);
  const hidden = new Set<number>();
  let chosen = 0;
  const nameOf = options.nameOf ?? count;
  const length = series[0]!.values.length;
  const label = `${count(length)} numbers${series.length > 1 ? ` in ${series.length} columns` : ""} over their index`;

  const line = new LinePlot(series, hidden, label);
  const spread = histogramPlot(() => ({ series: series[chosen]!, index: chosen }));
  const heat = options.grid === undefined ? undefined : heatPlot(options.grid);
  const reading = el("p", { class: "plot-reading", attributes: { "aria-live": "polite" } });
  const facts = el("dl", "facts plot-facts");
  const legend = el("div", { class: "legend", attributes: { role: "group", "aria-label": "Columns" } });
  const summaries: (Summary | undefined)[] = [];

  function read(index: number | undefined): void {
    if (index === undefined) {
      fill(reading, el("span", { class: "hint", text: "Drag to zoom, double-click to see all again." }));
      return;
    }
    fill(
      reading,
      el("span", { class: "reading-index", text: nameOf(index) }),
      ...series.flatMap(({ name, values }, i) =>
        hidden.has(i)
          ? []
          : [
              el("span", { class: `reading-value series-${i % 8}`, text: `${name === "" ? "" : `${name} `}${Number.isNaN(values[index]) ? "–" : values[index]}` }),
            ],
      ),
    );
  }

  function show(): void {
    summaries[chosen] ??= summarise(series[chosen]!.values);
    const summary = summaries[chosen]!;
    const rows: [string, string][] = [
      ["Numbers", count(summary.count)],
      ["Least", measure(summary.least)],
      ["Median", measure(summary.median)],
      ["Mean", measure(summary.mean)],
      ["Greatest", measure(summary.greatest)],
      ["Std. deviation", measure(summary.deviation)],
    ];
    if (summary.missing > 0) rows.push(["Not finite", count(summary.missing)]);
    fill(facts, ...rows.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]));
    fill(legend, ...(series.length > 1 ? series.map(chip) : []), all.length > series.length && el("span", { class: "hint", text: `${series.length} of ${count(all.length)} columns` }));
    line.refresh();
    spread.paintSoon();
  }

  function chip({ name }: Series, i: number): HTMLElement {
    return el("button", {
      class: `chip series-${i % 8}${hidden.has(i) ? " off" : ""}${i === chosen ? " chosen" : ""}`,
      text: name,
      attributes: { type: "button", "aria-pressed": hidden.has(i) ? "false" : "true", title: "Show or hide this column" },
      on: {
        click() {
          if (hidden.delete(i)) chosen = i;
          else if (i !== chosen) chosen = i;
          else if (hidden.size < series.length - 1) {
            hidden.add(i);
            chosen = series.findIndex((_, other) => !hidden.has(other));
          }
          show();
        },
      },
    });
  }

  line.read.listen(read);
  read(undefined);
  show();
  const element = el(
    "div",
    "plot-view",
    el("div", "plot-head", legend, reading),
    el("figure", "plot-figure", line.element),
    heat !== undefined && el("figure", "plot-figure heat", heat.element),
    el("div", "plot-foot", el("figure", "plot-figure spread", spread.element), facts),
  );
  return {
    element,
    close() {
      line.close();
      spread.close();
      heat?.close();
    },
  };
}

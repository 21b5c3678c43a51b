import { MAX_LINES, type Series } from "../numbers/series.js";
import { type Summary, summarise } from "../numbers/summary.js";
import { el, fill } from "../ui/dom.js";
import { count, measure } from "../ui/format.js";
import type { View } from "../value/view.js";
import { type Grid, HeatPlot } from "./heat-plot.js";
import { histogramPlot } from "./histogram-plot.js";
import { LinePlot } from "./line-plot.js";

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
  if (summary.missing > 0) rows.push(["Not finite", count(summary.missing)]);
  return rows.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]);
}

/** Many columns of numbers as a heat map, with a histogram of all numbers. */
export function heatView(grid: Grid): View {
  const { rows, columns } = grid;
  const all = new Float64Array(rows * columns);
  for (let i = 0; i < all.length; i++) all[i] = grid.at(Math.floor(i / columns), i % columns);
  const heat = new HeatPlot(grid);
  const spread = histogramPlot(() => ({ series: { name: "", values: all }, index: 0 }));
  const reading = el("p", { class: "plot-reading", attributes: { "aria-live": "polite" } });
  heat.read.listen((cell) =>
    fill(
      reading,
      ...(cell === undefined
        ? [el("span", { class: "hint", text: `${count(rows)} rows, ${count(columns)} columns` })]
        : [
            el("span", { class: "reading-index", text: `row ${cell.row}, column ${cell.column}` }),
            el("span", { class: "reading-value series-0", text: String(grid.at(cell.row, cell.column)) }),
          ]),
    ),
  );
  heat.read.emit(undefined);
  return {
    element: el(
      "div",
      "plot-view",
      el("div", "plot-head", reading),
      el("figure", "plot-figure", heat.element),
      el(
        "div",
        "plot-foot",
        el("figure", "plot-figure spread", spread.element),
        el("dl", "facts plot-facts", ...summaryTerms(summarise(all))),
      ),
    ),
    close() {
      heat.close();
      spread.close();
    },
  };
}

/** Columns of numbers as lines, with a histogram and a summary of one of them. `nameOf` names an index. */
export function plotView(all: readonly Series[], nameOf: (index: number) => string = count): View {
  const series = all.slice(0, MAX_LINES);
  const hidden = new Set<number>();
  let chosen = 0;
  const length = series[0]!.values.length;
  const label = `${count(length)} numbers${series.length > 1 ? ` in ${series.length} columns` : ""} over their index`;

  const line = new LinePlot(series, hidden, label);
  const spread = histogramPlot(() => ({ series: series[chosen]!, index: chosen }));
  const reading = el("p", { class: "plot-reading", attributes: { "aria-live": "polite" } });
  const facts = el("dl", "facts plot-facts");
  const legend = el("div", { class: "legend", attributes: { role: "group", "aria-label": "Columns" } });
  const summaries: (Summary | undefined)[] = [];

  function read(index: number | undefined): void {
    if (index === undefined) {
      fill(reading, el("span", { class: "hint zoom-hint", text: "Drag to zoom, double-click to show all." }));
      return;
    }
    fill(
      reading,
      el("span", { class: "reading-index", text: nameOf(index) }),
      ...series.flatMap(({ name, values }, i) =>
        hidden.has(i)
          ? []
          : [
              el("span", {
                class: `reading-value series-${i % 8}`,
                text: `${name === "" ? "" : `${name} `}${Number.isNaN(values[index]) ? "–" : values[index]}`,
              }),
            ],
      ),
    );
  }

  function show(): void {
    summaries[chosen] ??= summarise(series[chosen]!.values);
    const summary = summaries[chosen]!;
    fill(facts, ...summaryTerms(summary));
    fill(
      legend,
      ...(series.length > 1 ? series.map(chip) : []),
      all.length > series.length &&
        el("span", { class: "hint", text: `${series.length} of ${count(all.length)} columns` }),
    );
    line.refresh();
    spread.paintSoon();
  }

  function chip({ name }: Series, i: number): HTMLElement {
    return el("button", {
      class: `chip series-${i % 8}${hidden.has(i) ? " off" : ""}${i === chosen ? " chosen" : ""}`,
      text: name,
      attributes: {
        type: "button",
        "aria-pressed": hidden.has(i) ? "false" : "true",
        title: "Show or hide this column",
      },
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
    el("div", "plot-foot", el("figure", "plot-figure spread", spread.element), facts),
  );
  return {
    element,
    close() {
      line.close();
      spread.close();
    },
  };
}

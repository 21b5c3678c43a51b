import { type Curve, curveOf } from "../numbers/curve.js";
import { MAX_LINES, type Series } from "../numbers/series.js";
import type { SharedView } from "../share/view-state.js";
import { el, fill } from "../ui/dom.js";
import { count } from "../ui/format.js";
import { shownKey } from "../ui/shown-text.js";
import type { View } from "../value/view.js";
import { LinePlot } from "./line-plot.js";
import { choice, logBox, pngButton, zoomButtons } from "./plot-controls.js";
import { ScatterPlot } from "./scatter-plot.js";
import { SummaryFoot } from "./summary-terms.js";

/** What a plot of curves is told besides the curves. */
interface PlotOptions {
  /** Names an index. */
  readonly nameOf?: (index: number) => string;
  readonly shared?: SharedView | undefined;
  /** Columns that there are. More than there are curves are announced. */
  readonly columns?: number;
}

/** A plot of curves that the caller may redraw, after more numbers were read. */
export interface CurveView extends View {
  readonly line: LinePlot;
  /** A line between the plot and the histogram. */
  readonly note: HTMLElement;
  redraw(): void;
}

/** Columns of numbers as lines, with a histogram and a summary of one of them. `nameOf` names an index. */
export function plotView(
  all: readonly Series[],
  nameOf: (index: number) => string = count,
  shared?: SharedView,
): View {
  return curveView(all.slice(0, MAX_LINES).map(curveOf), { nameOf, shared, columns: all.length });
}

/** A column to show against another one. */
function otherThan(index: number): number {
  return index === 0 ? 1 : 0;
}

/** Curves over their index, or one against another. */
export function curveView(
  curves: readonly Curve[],
  { nameOf = count, shared, columns = curves.length }: PlotOptions,
): CurveView {
  const { state = {} } = shared ?? {};
  const hidden = new Set<number>();
  let chosen = Math.max(
    0,
    curves.findIndex(({ name }) => name === state.column),
  );
  let against = curves.findIndex(({ name }) => state.against !== undefined && name === state.against);
  if (against === chosen) chosen = otherThan(against);
  let log = state.log ?? false;
  const length = curves[0]!.length;
  const label = `${count(length)} numbers${curves.length > 1 ? ` in ${curves.length} columns` : ""} over their index`;

  const line = new LinePlot(curves, hidden, label);
  const foot = new SummaryFoot();
  const reading = el("p", { class: "plot-reading", attributes: { "aria-live": "polite" } });
  const note = el("p", { class: "plot-note hint", attributes: { role: "status" } });
  const legend = el("div", { class: "legend", attributes: { role: "group", "aria-label": "Columns" } });
  const figure = el("figure", "plot-figure", line.element);
  let scatter: ScatterPlot | undefined;

  function read(index: number | undefined): void {
    if (index === undefined) {
      fill(reading, el("span", { class: "hint zoom-hint", text: "Drag to zoom, double-click to show all." }));
      return;
    }
    fill(
      reading,
      el("span", { class: "reading-index", text: nameOf(index) }),
      ...curves.flatMap((curve, i) => {
        if (hidden.has(i)) return [];
        const value = curve.at(index);
        const text = value === undefined ? "not read" : Number.isNaN(value) ? "–" : String(value);
        const name = curve.name === "" ? "" : `${shownKey(curve.name)} `;
        return [el("span", { class: `reading-value series-${i % 8}`, text: name + text })];
      }),
    );
  }

  function show(): void {
    void foot.show(curves[chosen]!.within(0, length), chosen);
    fill(
      legend,
      ...(curves.length > 1 ? curves.map(chip) : []),
      columns > curves.length &&
        el("span", { class: "hint", text: `${curves.length} of ${count(columns)} columns` }),
    );
    scatter?.close();
    scatter = undefined;
    if (against >= 0) {
      const [x, y] = [curves[against]!, curves[chosen]!];
      scatter = new ScatterPlot(x, y, chosen, `${y.name} against ${x.name}`);
      scatter.log = log;
      scatter.zoom({ x: shared?.state.x, y: shared?.state.y });
      scatter.read.listen(read);
      scatter.zoomed.listen((seen) => shared?.update(seen));
      note.textContent =
        scatter.step > 1
          ? `One of ${count(scatter.step)} pairs is drawn: too many for a plot of points.`
          : "";
      fill(figure, scatter.element);
    } else if (line.element.parentElement === null) {
      note.textContent = "";
      fill(figure, line.element);
    }
    line.refresh();
  }

  function chip({ name }: Curve, i: number): HTMLElement {
    return el("button", {
      class: `chip series-${i % 8}${hidden.has(i) ? " off" : ""}${i === chosen ? " chosen" : ""}`,
      text: shownKey(name),
      attributes: {
        type: "button",
        "aria-pressed": hidden.has(i) ? "false" : "true",
        title: "Show or hide this column",
      },
      on: {
        click() {
          if (hidden.delete(i)) chosen = i;
          else if (i !== chosen) chosen = i;
          else if (hidden.size < curves.length - 1) {
            hidden.add(i);
            chosen = curves.findIndex((_, other) => !hidden.has(other));
          }
          shared?.update({ column: chosen === 0 ? undefined : curves[chosen]!.name });
          // The vertical axis is another one now.
          if (against >= 0) shared?.update({ x: undefined, y: undefined });
          show();
        },
      },
    });
  }

  const horizontal =
    curves.length > 1 &&
    choice(
      "Against",
      [
        { value: "-1", text: "index" },
        ...curves.map(({ name }, i) => ({ value: String(i), text: shownKey(name) })),
      ],
      String(against),
      (value) => {
        against = Number(value);
        if (against === chosen) chosen = otherThan(against);
        // The axes are others now.
        if (!line.isWhole) line.showAll();
        shared?.update({
          against: against < 0 ? undefined : curves[against]!.name,
          x: undefined,
          y: undefined,
        });
        show();
      },
    );
  line.log = log;
  if (state.x !== undefined && against < 0) line.zoom(...state.x);
  line.read.listen(read);
  line.zoomed.listen((range) => shared?.update({ x: line.isWhole ? undefined : range }));
  read(undefined);
  show();
  const element = el(
    "div",
    "plot-view",
    el("div", "plot-head", legend, reading),
    el(
      "div",
      { class: "plot-controls", attributes: { role: "group", "aria-label": "Plot" } },
      horizontal,
      logBox(log, (checked) => {
        log = checked;
        line.log = log;
        if (scatter !== undefined) scatter.log = log;
        shared?.update({ log: log || undefined });
      }),
      ...zoomButtons({
        zoomBy: (factor) => (scatter ?? line).zoomBy(factor),
        showAll: () => (scatter ?? line).showAll(),
      }),
      pngButton(() => scatter?.canvas ?? line.canvas, "plot"),
    ),
    figure,
    note,
    foot.element,
  );
  return {
    element,
    line,
    note,
    redraw: show,
    close() {
      line.close();
      scatter?.close();
      foot.close();
    },
  };
}

import type { PathKey } from "@peekpack/core";
import { keyText, pathText, typedSegments } from "../archive/segments.js";
import { isNumber } from "../numbers/series.js";
import { plotView } from "../plot/plot-view.js";
import { el, fill } from "../ui/dom.js";
import { count, counted, size } from "../ui/format.js";
import { icon } from "../ui/icons.js";
import { failureNotice } from "../ui/notice.js";
import { tabs } from "../ui/tabs.js";
import { VirtualRows } from "../ui/virtual-rows.js";
import { preview, textOf, tokenNodes } from "../value/tokens.js";
import type { View } from "../value/view.js";
import type { Selection } from "./selection.js";

export interface ResultsActions {
  goTo(path: readonly PathKey[]): void;
  say(text: string): void;
  /** Closes the results. */
  leave(): void;
}

type Mode = "list" | "plot";

/** Interval at which the plot is redrawn while matches arrive. */
const REPLOT_MS = 900;
const MAX_COPIED_ROWS = 200_000;

/** Shows the matches of a selection as a list, and numbers as a plot too. */
export function resultsView(selection: Selection, actions: ResultsActions): View {
  const segments = typedSegments(selection.pattern);
  const status = el("p", { class: "results-status", attributes: { role: "status", "aria-live": "polite" } });
  const controls = el("div", "results-controls");
  const switcher = el("div", "results-switch");
  const body = el("div", "results-body");
  const list = el("div", {
    class: "results-list",
    attributes: { role: "list", tabindex: 0, "aria-label": "Matches" },
  });
  const rows = new VirtualRows(list, {
    count: () => selection.paths.length,
    create: () =>
      el(
        "div",
        { class: "result", attributes: { role: "listitem" } },
        el("button", { class: "result-path", attributes: { type: "button" } }),
        el("span", "result-value"),
      ),
    render(index, row) {
      const path = selection.paths[index]!;
      const [button, value] = row.children as unknown as [HTMLButtonElement, HTMLElement];
      fill(
        button,
        ...path.flatMap((key, i) => [
          i > 0 && el("span", { class: "slash", text: "/" }),
          el("span", { class: segments[i]?.text === keyText(key) ? "same" : "differs", text: keyText(key) }),
        ]),
      );
      button.onclick = () => actions.goTo(path);
      fill(value, ...tokenNodes(preview(selection.values[index]!, 120)));
    },
  });
  let mode: Mode | undefined;
  let plot: View | undefined;
  let plotted = 0;
  let plottedAt = 0;

  const numeric = (): boolean =>
    selection.values.length > 1 &&
    selection.values.slice(0, 200).every((value) => isNumber(value) || value === null);

  function draw(): void {
    const { paths, state, failure } = selection;
    const found = counted(paths.length, "match", "matches");
    status.textContent = {
      reading: `${found}, reading …`,
      paused: `${found}, for ${size(selection.cost.bytes)} in ${counted(selection.cost.requests, "request")}. Continue?`,
      stopped: `${found}, then stopped`,
      done: paths.length === 0 ? "Nothing matches." : found,
      failed: `${found}, then an error`,
    }[state];
    fill(
      controls,
      state === "paused" && button("Continue", "primary", () => selection.proceed()),
      (state === "reading" || state === "paused") && button("Stop", "", () => selection.stop()),
      state !== "reading" && paths.length > 0 && button("Copy as CSV", "quiet", copy),
      button("Close", "quiet", actions.leave),
    );
    const plots = numeric();
    if (mode === undefined && (paths.length > 1 || state !== "reading")) show(plots ? "plot" : "list");
    else if (mode === "plot" && !plots) show("list");
    if (switcher.childElementCount === 0 && plots && mode !== undefined) {
      // Only numbers have a second view.
      fill(
        switcher,
        tabs(
          "Results",
          [
            { name: "plot", label: "Plot" },
            { name: "list", label: "List" },
          ],
          mode,
          show,
        ),
      );
    }
    if (mode === "list") rows.refreshSoon();
    else if (mode === "plot") replot(state !== "reading");
    if (failure !== undefined && body.querySelector(".failure") === null)
      body.prepend(failureNotice(failure));
  }

  function show(wanted: Mode): void {
    mode = wanted;
    if (wanted === "list") {
      fill(body, list);
      rows.refreshSoon();
      return;
    }
    plotted = -1;
    replot(true);
  }

  function replot(now: boolean): void {
    const { values, paths } = selection;
    if (plotted === values.length || (!now && performance.now() - plottedAt < REPLOT_MS)) return;
    plotted = values.length;
    plottedAt = performance.now();
    plot?.close();
    const numbers = Float64Array.from(values, (value) => (isNumber(value) ? Number(value) : Number.NaN));
    // The keys under "*" tell one match from another.
    const nameOf = (index: number): string =>
      paths[index]!.filter((_, i) => segments[i]?.text === "*")
        .map(keyText)
        .join("/") || count(index);
    plot = plotView([{ name: segments.at(-1)?.text ?? "", values: numbers }], nameOf);
    fill(body, plot.element);
  }

  function button(text: string, kind: string, act: () => void): HTMLElement {
    return el("button", {
      class: `button ${kind}`,
      text,
      attributes: { type: "button" },
      on: { click: act },
    });
  }

  function copy(): void {
    const { paths, values } = selection;
    const cell = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = paths.slice(0, MAX_COPIED_ROWS).map((path, i) => {
      const value = values[i]!;
      return `${cell(pathText(path))},${cell(typeof value === "string" ? value : textOf(preview(value, 1000)))}`;
    });
    navigator.clipboard.writeText(`path,value\n${lines.join("\n")}\n`).then(
      () => actions.say(`${counted(lines.length, "row")} copied.`),
      () => actions.say("The browser did not allow copying."),
    );
  }

  const unlisten = selection.changed.listen(draw);
  const element = el(
    "div",
    "results-view",
    el(
      "header",
      "value-head",
      el("div", "results-title", icon("search"), el("code", { text: selection.pattern })),
      el("div", "results-line", status, controls),
      switcher,
    ),
    body,
  );
  draw();
  return {
    element,
    close() {
      unlisten();
      rows.close();
      plot?.close();
    },
  };
}

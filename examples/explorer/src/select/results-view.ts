import type { PathKey } from "@peekpack/core";
import { failureOf } from "../archive/failure.js";
import { keyText, type TypedSegment, typedSegments } from "../archive/segments.js";
import { collectedText } from "../download/copy-text.js";
import { matchesCsv } from "../download/formats.js";
import { isNumber } from "../numbers/series.js";
import { plotView } from "../plot/plot-view.js";
import type { Query } from "../share/link.js";
import type { SharedView } from "../share/view-state.js";
import { el, fill } from "../ui/dom.js";
import { count, counted, size } from "../ui/format.js";
import { icon } from "../ui/icons.js";
import { failureNotice } from "../ui/notice.js";
import { tabs } from "../ui/tabs.js";
import { VirtualRows } from "../ui/virtual-rows.js";
import { preview, token, tokenNodes } from "../value/tokens.js";
import type { View } from "../value/view.js";
import type { Selection } from "./selection.js";

type QueryKind = Query["kind"];

export interface ResultsActions {
  /** How a link shows the matches. */
  readonly shared: SharedView;
  goTo(path: readonly PathKey[]): void;
  say(text: string): void;
  /** Asks for a format, and saves the matches. */
  download(): void;
  /** Searches for the same text in values too. */
  searchValues(): void;
  /** Closes the results. */
  leave(): void;
}

type Mode = "list" | "plot";

const KINDS: Readonly<Record<QueryKind, string>> = {
  select: "Pattern",
  jsonpath: "JSONPath",
  keys: "Keys that contain",
  values: "Keys and values that contain",
};

/** Interval at which the plot is redrawn while matches arrive. */
const REPLOT_MS = 900;

/** Shows the matches of a selection as a list, and numbers as a plot too. */
export function resultsView(selection: Selection, actions: ResultsActions): View {
  const { query } = selection;
  const segments: readonly TypedSegment[] = query.kind === "select" ? typedSegments(query.text) : [];
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
      const note = selection.notes[index];
      fill(
        value,
        ...tokenNodes(note === undefined ? preview(selection.values[index], 120) : [token("faint", note)]),
      );
    },
  });
  let mode: Mode | undefined;
  let plot: View | undefined;
  let plotted = 0;
  let plottedAt = 0;

  const numeric = (): boolean =>
    selection.hasValues &&
    selection.values.length > 1 &&
    selection.values.slice(0, 200).every((value) => isNumber(value) || value === null);

  function draw(): void {
    const { paths, state, failure } = selection;
    const found = counted(paths.length, "match", "matches");
    const { cost, next } = selection;
    const asked = next === undefined ? "Continue?" : `The next request takes ${size(next)}. Continue?`;
    status.textContent = {
      reading: `${found}, reading …`,
      paused: `${found}, for ${size(cost.bytes)} in ${counted(cost.requests, "request")}. ${asked}`,
      stopped: `${found}, then stopped. ${scopeOf(selection)}`,
      full: `${found}: no more are shown. A download has all of them.`,
      done: `${paths.length === 0 ? "Nothing matches." : found}${scopeOf(selection) && `${paths.length === 0 ? "" : "."} ${scopeOf(selection)}`}`,
      failed: `${found}, then an error`,
    }[state].trim();
    fill(
      controls,
      state === "paused" && button("Continue", "primary", () => selection.proceed()),
      (state === "reading" || state === "paused") && button("Stop", "", () => selection.stop()),
      query.kind === "keys" &&
        state !== "reading" &&
        button("Search in values too", "", actions.searchValues),
      state !== "reading" &&
        selection.hasValues &&
        paths.length > 0 &&
        button("Copy as CSV", "quiet", () => void copy()),
      state !== "reading" && paths.length > 0 && button("Download", "quiet", actions.download),
      button("Close", "quiet", actions.leave),
    );
    const plots = numeric();
    if (mode === undefined && (paths.length > 1 || state !== "reading")) {
      show(plots && actions.shared.state.tab !== "list" ? "plot" : "list");
    } else if (mode === "plot" && !plots) show("list");
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
          (name) => {
            actions.shared.update({ tab: name });
            show(name);
          },
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
      paths[index]!.filter((_, i) => segments.length === 0 || segments[i]?.text === "*")
        .map(keyText)
        .join("/") || count(index);
    plot = plotView([{ name: segments.at(-1)?.text ?? "", values: numbers }], nameOf, actions.shared);
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

  /** Copies all matches that were found, or none. */
  async function copy(): Promise<void> {
    const rows = selection.paths.length;
    try {
      const text = await collectedText(matchesCsv(selection.matches()));
      if (text === undefined) actions.say("This is too large for the clipboard. Download it.");
      else {
        await navigator.clipboard.writeText(text);
        actions.say(`${counted(rows, "row")} copied, whole.`);
      }
    } catch (error) {
      actions.say(failureOf(error).message);
    }
  }

  const unlisten = selection.changed.listen(draw);
  const element = el(
    "div",
    "results-view",
    el(
      "header",
      "value-head",
      el(
        "div",
        "results-title",
        icon("search"),
        el("span", { class: "dim", text: KINDS[query.kind] }),
        el("code", { text: query.text }),
      ),
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

/** What a search for keys has looked at, and what not. Empty for other queries. */
function scopeOf({ query, searched }: Selection): string {
  if (query.kind !== "keys" && query.kind !== "values") return "";
  const { keys, values, unread } = searched;
  return [
    `Searched: ${counted(keys, "key")} of the table of contents`,
    values > 0 && `${counted(values, "value")}`,
    unread > 0 && `not the inside of ${counted(unread, "value")}`,
  ]
    .filter((part) => part !== false)
    .join(", ")
    .concat(".");
}

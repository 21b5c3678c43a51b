import { LazyList, LazyMap, NdArray, type Value } from "@peekpack/core";
import { type Entry, isPlainMap } from "../archive/entry.js";
import { gridOf, isNumber, seriesOf } from "../numbers/series.js";
import { heatView, plotView } from "../plot/plot-view.js";
import type { SharedView } from "../share/view-state.js";
import { contentsView } from "./contents-view.js";
import { type TableActions, tableView } from "./table-view.js";
import { textView } from "./text-view.js";
import type { View } from "./view.js";

/** Up to this size a value is read without asking. */
export const UNASKED_BYTES = 512 * 1024;
/** Items of a list up to this size are read to find out what the list contains. */
const SAMPLE_BYTES = 16 * 1024;

/** The views of a value. */
export type ViewName = "contents" | "text" | "table" | "plot";

export const VIEW_LABELS: Readonly<Record<ViewName, string>> = {
  contents: "Contents",
  text: "Text",
  table: "Table",
  plot: "Plot",
};

/** The views that suit an entry, and the best one. */
export interface Choice {
  readonly names: readonly ViewName[];
  readonly best: ViewName;
}

export interface ViewContext {
  readonly actions: TableActions;
  /** Bytes of the archive. */
  readonly whole: number;
  /** How a link shows the entry. A view takes its start from it, and updates it, so that a link reproduces the view. */
  readonly shared: SharedView;
  readonly signal: AbortSignal;
}

/** Chooses the views for the content of an entry. Of a list of blocks, it reads the first block. */
export async function viewsFor(entry: Entry, signal: AbortSignal): Promise<Choice> {
  const value = entry.content?.value;
  if (value instanceof LazyList && entry.blocked) {
    const first = (await value.slice(0, 64, { signal })) as Value[];
    const plots = first.every(isNumber) || seriesOf(first).length > 0;
    return plots
      ? { names: ["plot", "table", "text"], best: "plot" }
      : { names: ["table", "text"], best: "table" };
  }
  if (value instanceof LazyList && (await holdsRows(entry, value, signal))) {
    const small = (entry.bytes ?? 0) <= UNASKED_BYTES;
    return { names: ["plot", "table", "contents", "text"], best: small ? "plot" : "contents" };
  }
  if (value instanceof LazyMap || value instanceof LazyList) {
    return { names: ["contents", "table", "text"], best: "contents" };
  }
  const plots = seriesOf(value).length > 0;
  const inRows =
    (Array.isArray(value) && value.length > 0) ||
    NdArray.is(value) ||
    value instanceof Map ||
    isPlainMap(value);
  const best = plots && !hasMaps(value) ? "plot" : hasMaps(value) ? "table" : "text";
  return {
    names: [...(plots ? (["plot"] as const) : []), ...(inRows ? (["table"] as const) : []), "text"],
    best,
  };
}

/** How many bytes a view has to read. */
export function costOf(name: ViewName, entry: Entry): number {
  const value = entry.content?.value;
  const lazy = value instanceof LazyMap || value instanceof LazyList;
  return lazy && (name === "text" || name === "plot") ? (entry.bytes ?? 0) : 0;
}

/** Makes a view. Reads what the view needs; a table reads more when it is scrolled. */
export async function makeView(name: ViewName, entry: Entry, context: ViewContext): Promise<View> {
  const { actions, whole, signal } = context;
  const value = entry.content?.value;
  switch (name) {
    case "contents":
      return contentsView(entry, whole, actions.goTo, signal);
    case "table":
      return tableView(entry, actions);
    case "text":
      return textView(
        value instanceof LazyMap || value instanceof LazyList ? await value.toValue({ signal }) : value,
      );
    case "plot":
      return value instanceof LazyList ? plotLazily(value, signal) : plotOf(value as Value);
  }
}

/** Plots a list. A list of numbers is read as a typed array. */
async function plotLazily(list: LazyList, signal: AbortSignal): Promise<View> {
  const first = await list.at(0, { signal });
  if (!isNumber(first)) return plotOf(await list.toValue({ signal }));
  const values = await list.toTypedArray("float64", { signal });
  return plotView([{ name: "", values }]);
}

function plotOf(value: Value): View {
  const grid = gridOf(value);
  return grid === undefined ? plotView(seriesOf(value)) : heatView(grid);
}

/** Whether a list begins with small lists of numbers that have the same length. */
async function holdsRows(entry: Entry, list: LazyList, signal: AbortSignal): Promise<boolean> {
  if (list.length < 2) return false;
  const first = [entry.child(0), entry.child(1)];
  if (first.some((row) => row.outline?.kind !== "value" || row.bytes! > SAMPLE_BYTES)) return false;
  const rows = await Promise.all(first.map((row) => row.load({ signal })));
  return (
    rows.every((row) => !isNumber(row.value)) &&
    seriesOf(rows.map((row) => row.value as Value)).some(({ name }) => name === "0")
  );
}

function hasMaps(value: unknown): boolean {
  return Array.isArray(value) && value.length > 1 && value.slice(0, 8).every(isPlainMap);
}

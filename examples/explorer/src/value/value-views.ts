import { LazyList, LazyMap, NdArray, type Value } from "@peekpack/core";
import { type Entry, isPlainMap } from "../archive/entry.js";
import { wholeValue } from "../archive/whole-value.js";
import { areNumbers, isNumber, seriesOf } from "../numbers/series.js";
import { inSlices } from "../numbers/steps.js";
import { tensorOf, tensorSteps } from "../numbers/tensor.js";
import { plotView } from "../plot/plot-view.js";
import type { SharedView } from "../share/view-state.js";
import { contentsView } from "./contents-view.js";
import { holdsRecords } from "./record-rows.js";
import { type TableActions, TableView } from "./table-view.js";
import { textView } from "./text-view.js";
import type { View } from "./view.js";

/** Up to this size a value is read without asking. */
export const UNASKED_BYTES = 512 * 1024;
/** Items of a list up to this size are read to find out what the list contains. */
const SAMPLE_BYTES = 16 * 1024;

/** Items that say what a list of blocks contains. */
const SAMPLE_ITEMS = 64;
/** The share of their keys that the maps of a map have in common, if it is shown as a table. */
const COMMON_KEYS = 0.6;

/** Why a list that begins like an array has no plot and no image. */
const UNEVEN = "The list begins with numbers or equally long rows of numbers, but does not go on like that.";

/** The views of a value. */
export type ViewName = "contents" | "text" | "table" | "plot" | "image";

export const VIEW_LABELS: Readonly<Record<ViewName, string>> = {
  contents: "Contents",
  text: "Text",
  table: "Table",
  plot: "Plot",
  image: "Image",
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
  /** Pixels of the pane's width. */
  readonly room: number;
  readonly signal: AbortSignal;
}

/** Chooses the views for the content of an entry. Of a list of blocks, it reads the first block. */
export async function viewsFor(entry: Entry, signal: AbortSignal): Promise<Choice> {
  const value = entry.content?.value;
  if (value instanceof LazyList && entry.blocked) {
    const first = (await value.slice(0, SAMPLE_ITEMS, { signal })) as Value[];
    if (areNumbers(first)) return { names: ["plot", "table", "text"], best: "plot" };
    const views = arrayViews(first);
    if (views.length > 0) return { names: [...views, "table", "text"], best: views[0]! };
    return { names: ["table", "text"], best: "table" };
  }
  if (value instanceof LazyList) {
    const views = await rowViews(entry, signal);
    const small = (entry.bytes ?? 0) <= UNASKED_BYTES;
    if (views.length > 0) {
      return { names: [...views, "table", "contents", "text"], best: small ? views[0]! : "contents" };
    }
  }
  if (value instanceof LazyMap || value instanceof LazyList) {
    return (await holdsRecords(entry, signal))
      ? { names: ["table", "contents", "text"], best: "table" }
      : { names: ["contents", "table", "text"], best: "contents" };
  }
  const views = arrayViews(value);
  const inRows =
    (Array.isArray(value) && value.length > 0) ||
    NdArray.is(value) ||
    value instanceof Map ||
    isPlainMap(value);
  const isTable = holdsMaps(value);
  return {
    names: [...views, ...(inRows ? (["table"] as const) : []), "text"],
    best: isTable ? "table" : (views[0] ?? "text"),
  };
}

/** How many bytes a view has to read. */
export function costOf(name: ViewName, entry: Entry): number {
  const value = entry.content?.value;
  if (!(value instanceof LazyMap || value instanceof LazyList)) return 0;
  // A plot of a long list of numbers begins with a sample.
  if (name === "plot" && entry.blocked) return 0;
  return name === "text" || name === "plot" || name === "image" ? (entry.bytes ?? 0) : 0;
}

/** Makes a view. Reads what the view needs; a table reads more when it is scrolled. */
export async function makeView(name: ViewName, entry: Entry, context: ViewContext): Promise<View> {
  const { actions, whole, signal, shared, room } = context;
  const value = entry.content?.value;
  switch (name) {
    case "contents":
      return contentsView(entry, whole, actions.goTo, signal);
    case "table":
      return tableOf(entry, actions, shared);
    case "text":
      return textView(await wholeValue(value, { signal }), room);
    case "image": {
      // Images and samples are chunks of their own.
      const { imageView } = await import("../plot/image-view.js");
      const tensor = await inSlices(tensorSteps(await wholeValue(value, { signal })), signal);
      if (tensor === undefined) throw new Error(UNEVEN);
      return imageView(tensor, shared, signal);
    }
    case "plot": {
      if (value instanceof LazyList && (entry.bytes ?? 0) > UNASKED_BYTES) {
        const first = (await value.slice(0, SAMPLE_ITEMS, { signal })) as Value[];
        if (areNumbers(first)) {
          const { sampledView } = await import("../plot/sampled-view.js");
          return sampledView(value, entry.bytes!, shared, signal);
        }
      }
      const series = seriesOf(await wholeValue(value, { signal }));
      if (series.length === 0) throw new Error(UNEVEN);
      return plotView(series, undefined, shared);
    }
  }
}

/** A table whose row, column and order are shared. */
function tableOf(entry: Entry, actions: TableActions, shared: SharedView): View {
  const { row, column, sort } = shared.state;
  const sorting = sort && { column: sort.column, descending: sort.descending };
  return new TableView(entry, actions, { row, column, sort: sorting }, (state) =>
    shared.update({
      row: state.row,
      column: state.column,
      sort: state.sort && { column: state.sort.column ?? "", descending: state.sort.descending },
    }),
  );
}

/** The views of numbers that suit a value: an image of two and more dimensions, a plot of columns. */
function arrayViews(value: unknown): ("plot" | "image")[] {
  const isPlotted = seriesOf(value as Value).length > 0;
  const isImage = tensorOf(value as Value) !== undefined;
  return isPlotted ? (isImage ? ["plot", "image"] : ["plot"]) : isImage ? ["image"] : [];
}

/** The views of a list whose first two items are equally long lists of numbers, at any depth. Reads two short lists at most. */
async function rowViews(list: Entry, signal: AbortSignal): Promise<("plot" | "image")[]> {
  if ((list.size ?? 0) < 2) return [];
  const first = [list.child(0), list.child(1)] as const;
  const kinds = first.map(({ outline }) => outline?.kind);
  if (kinds.every((kind) => kind === "value")) {
    if (first.some((row) => (row.bytes ?? 0) > SAMPLE_BYTES)) return [];
    const rows = await Promise.all(first.map((row) => row.load({ signal })));
    if (rows.some((row) => isNumber(row.value))) return [];
    const values = rows.map((row) => row.value as Value);
    return tensorOf(values) === undefined ? [] : arrayViews(values);
  }
  const [length, other] = first.map(({ outline }) => outline?.count);
  if (length !== other || !kinds.every((kind) => kind === kinds[0])) return [];
  const [row] = first;
  if (kinds[0] === "list") {
    await row.load({ signal });
    return (await rowViews(row, signal)).length > 0 ? ["image"] : [];
  }
  if (kinds[0] !== "blocked") return [];
  const { value } = await row.load({ signal });
  const sample =
    value instanceof LazyList ? ((await value.slice(0, SAMPLE_ITEMS, { signal })) as Value[]) : [];
  return areNumbers(sample) || tensorOf(sample) !== undefined ? ["image"] : [];
}

/** Whether a value is a list of maps, or a map of maps. */
function holdsMaps(value: unknown): boolean {
  const items = Array.isArray(value)
    ? value.slice(0, 8)
    : isPlainMap(value)
      ? Object.values(value).slice(0, 8)
      : [];
  if (items.length < 2 || !items.every(isPlainMap)) return false;
  const names = items.map((item) => Object.keys(item));
  const union = new Set(names.flat());
  const common = names[0]!.filter((name) => names.every((keys) => keys.includes(name)));
  return Array.isArray(value) || common.length >= union.size * COMMON_KEYS;
}

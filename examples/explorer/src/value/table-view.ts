import type { Entry } from "../archive/entry.js";
import { failureOf, isAbort } from "../archive/failure.js";
import { keyText } from "../archive/segments.js";
import { el, fill } from "../ui/dom.js";
import { count, size } from "../ui/format.js";
import { icon } from "../ui/icons.js";
import { VirtualRows } from "../ui/virtual-rows.js";
import { type Column, cellOf, columnsOf } from "./table-columns.js";
import { preview, rounded, token, tokenNodes } from "./tokens.js";
import type { View } from "./view.js";

/** Rows and cells up to these sizes are read when they come into view. Larger ones show their size. */
const ROW_BYTES = 64 * 1024;
const CELL_BYTES = 512;
/** Rows from which the columns are derived. */
const SAMPLE = 30;
const READ_AFTER_MS = 70;

export interface TableActions {
  /** Plots a column over all rows. */
  plot(column: string): void;
  goTo(entry: Entry): void;
}

/** Shows the entries of a container as rows, and their entries as columns. Rows are read when they come into view. */
export function tableView(entry: Entry, actions: TableActions): View {
  const closing = new AbortController();
  let columns: readonly Column[] = [];
  let reading: AbortController | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const head = el("div", { class: "table-head", attributes: { role: "row" } });
  const scroller = el(
    "div",
    {
      class: "table-scroll",
      attributes: {
        role: "table",
        tabindex: 0,
        "aria-label": "The value as a table",
        "aria-rowcount": (entry.size ?? 0) + 1,
      },
    },
    head,
  );
  const status = el("p", { class: "table-status", attributes: { role: "status" } });
  const element = el("div", "table-view", scroller, status);
  const rows = new VirtualRows(scroller, {
    count: () => entry.size ?? 0,
    create: () =>
      el("div", {
        class: "table-row",
        attributes: { role: "row" },
        on: {
          click: ({ currentTarget, target }) => clicked(currentTarget as HTMLElement, target as Element),
        },
      }),
    render,
    shown(first, last) {
      if (!entry.paged) void describe(first, last);
      clearTimeout(timer);
      timer = setTimeout(() => void read(first, last), READ_AFTER_MS);
    },
  });

  /** Loads the keys of the rows in view. They are in memory. */
  async function describe(first: number, last: number): Promise<void> {
    let pending = false;
    for (let index = first; index < Math.min(last, entry.size ?? 0); index++) {
      pending ||= entry.child(index).pending;
    }
    if (!pending) return;
    await entry.ensure(first, last);
    if (!closing.signal.aborted) rows.refreshSoon();
  }

  function clicked(row: HTMLElement, target: Element): void {
    const at = entry.child(Number(row.dataset.row));
    const cell = target.closest<HTMLElement>("[data-column]");
    const column = cell === null ? undefined : columns[Number(cell.dataset.column)];
    actions.goTo((column?.name !== undefined && cellOf(at, column.name)) || at);
  }

  function render(index: number, row: HTMLElement): void {
    const at = entry.child(index);
    row.dataset.row = String(index);
    row.setAttribute("aria-rowindex", String(index + 2));
    fill(
      row,
      el("span", {
        class: "row-key",
        text: at.pending ? "…" : keyText(at.key),
        attributes: { role: "rowheader" },
      }),
      ...columns.map((column, i) => {
        const cell = cellOf(at, column.name);
        return el(
          "span",
          {
            class: column.numeric ? "cell numeric" : "cell",
            attributes: { role: "cell", "data-column": i },
          },
          ...shown(cell, at),
        );
      }),
    );
  }

  function shown(cell: Entry | undefined, row: Entry): HTMLElement[] {
    if (cell?.content !== undefined) {
      const { value } = cell.content;
      return tokenNodes(typeof value === "number" ? [token("number", rounded(value))] : preview(value, 60));
    }
    if (cell === undefined) return row.content === undefined ? [el("span", "pending")] : [];
    const { outline } = cell;
    if (outline?.kind === "map")
      return [el("span", { class: "t-mark", text: `{${count(outline.count ?? 0)}}` })];
    if (outline?.kind === "list" || outline?.kind === "blocked") {
      return [el("span", { class: "t-mark", text: `[${count(outline.count ?? 0)}]` })];
    }
    if (cell.bytes !== undefined && cell.bytes > CELL_BYTES) {
      return [el("span", { class: "t-faint", text: size(cell.bytes) })];
    }
    return [el("span", "pending")];
  }

  /** Reads rows, then the small cells of rows that are containers in the table. */
  async function load(first: number, last: number, signal: AbortSignal): Promise<void> {
    await entry.ensure(first, last, { signal });
    const found = Array.from({ length: Math.max(0, last - first) }, (_, i) => entry.child(first + i));
    if (entry.blocked) {
      if (found.some(({ content }) => content === undefined)) await entry.loadItems(first, last, { signal });
      return;
    }
    const small = found.filter((row) => row.outline?.kind !== "value" || row.bytes! <= ROW_BYTES);
    await Promise.all(small.map((row) => row.load({ signal })));
    const cells = found.flatMap((row) =>
      columns.flatMap(({ name }) => {
        const cell = name === undefined ? undefined : cellOf(row, name);
        const wanted =
          cell?.content === undefined && cell?.outline?.kind === "value" && cell.bytes! <= CELL_BYTES;
        return wanted ? [cell.load({ signal })] : [];
      }),
    );
    await Promise.all(cells);
  }

  async function read(first: number, last: number): Promise<void> {
    if (closing.signal.aborted) return;
    reading?.abort();
    reading = new AbortController();
    const signal = AbortSignal.any([reading.signal, closing.signal]);
    try {
      if (columns.length === 0) await prepare(signal);
      await load(first, Math.min(last, entry.size ?? 0), signal);
      status.textContent = "";
      rows.refresh();
    } catch (error) {
      if (isAbort(error, signal) || signal.aborted) return;
      const failure = failureOf(error);
      status.textContent = `${failure.title}: ${failure.message} (${failure.code})`;
    }
  }

  async function prepare(signal: AbortSignal): Promise<void> {
    const sample = Math.min(SAMPLE, entry.size ?? 0);
    await load(0, sample, signal);
    const seen = Array.from({ length: sample }, (_, i) => entry.child(i));
    columns = columnsOf(seen);
    // Once more, now that the columns are known: cells that the table describes have widths too.
    await load(0, sample, signal);
    columns = columnsOf(seen);
    const keyWidth = Math.min(36, Math.max(6, ...seen.map(({ key }) => keyText(key).length + 3)));
    scroller.style.setProperty(
      "--columns",
      `${keyWidth}ch ${columns.map(({ width }, i) => (i === columns.length - 1 ? `minmax(${width}ch, 1fr)` : `${width}ch`)).join(" ")}`,
    );
    const total = columns.reduce((sum, { width }) => sum + width, keyWidth);
    scroller.style.setProperty("--table-width", `calc(${total}ch + ${columns.length * 24 + 44}px)`);
    fill(
      head,
      el("span", {
        class: "row-key",
        text: entry.keyAt(0) === 0 ? "#" : "key",
        attributes: { role: "columnheader" },
      }),
      ...columns.map(header),
    );
  }

  function header(column: Column): HTMLElement {
    const name = column.name ?? "value";
    const title = el("span", { class: "name", text: name });
    return el(
      "span",
      { class: column.numeric ? "cell numeric" : "cell", attributes: { role: "columnheader" } },
      title,
      column.numeric &&
        column.name !== undefined &&
        el(
          "button",
          {
            class: "plot-column",
            attributes: {
              type: "button",
              title: `Plot ${name} of every row`,
              "aria-label": `Plot ${name} of every row`,
            },
            on: { click: () => actions.plot(column.name!) },
          },
          icon("spark"),
        ),
    );
  }

  return {
    element,
    close() {
      closing.abort();
      clearTimeout(timer);
      rows.close();
    },
  };
}

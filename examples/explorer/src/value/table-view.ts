import type { Value } from "@peekpack/core";
import { TimeSlice } from "@peekpack/core/internal";
import type { Entry } from "../archive/entry.js";
import { failureOf, isAbort } from "../archive/failure.js";
import { runs } from "../archive/outline-window.js";
import { keyText } from "../archive/segments.js";
import { el, fill } from "../ui/dom.js";
import { count, size } from "../ui/format.js";
import { icon } from "../ui/icons.js";
import { shownKey } from "../ui/shown-text.js";
import { VirtualRows } from "../ui/virtual-rows.js";
import { type Column, ColumnLayout, cellOf, columnNames, MAX_COLUMNS } from "./table-columns.js";
import { SORTED_BYTES, SORTED_ROWS, type Sorting, sortedIndices } from "./table-order.js";
import { preview, type Token, textOf, token, tokenNodes } from "./tokens.js";
import type { View } from "./view.js";

/** Rows and cells up to these sizes are read when they come into view. Larger ones show their size. */
const ROW_BYTES = 64 * 1024;
const CELL_BYTES = 512;
/** Rows from which the columns are derived. Later rows add columns. */
const SAMPLE = 30;
const READ_AFTER_MS = 70;
/** Rows that are read at a time for sorting. */
const STEP = 2048;
/** Rows that were read and are remembered for sorting. */
const REMEMBERED = 100_000;
/** Pixels that an arrow key changes the width of a column by. */
const RESIZE_STEP = 16;

export interface TableActions {
  /** Plots a column over all rows. */
  plot(column: string): void;
  goTo(entry: Entry): void;
}

/** What a table shows: the row and column that the keyboard is at, and the order of the rows. */
export interface TableState {
  readonly row?: number | undefined;
  readonly column?: string | undefined;
  readonly sort?: Sorting | undefined;
}

/**
 * Shows the entries of a container as rows, and their entries as columns. Rows are read when they come into view, and only
 * rows and columns in view exist. By hand, as its rows are: libraries of tables take rows that are in memory, or fetch whole
 * pages of them, and here a cell in view is the unit that is read.
 */
export class TableView implements View {
  readonly element: HTMLElement;
  readonly #entry: Entry;
  readonly #actions: TableActions;
  readonly #changed: (state: TableState) => void;
  readonly #closing = new AbortController();
  readonly #scroller: HTMLElement;
  readonly #head: HTMLElement = el("div", { class: "table-head", attributes: { role: "row" } });
  readonly #status: HTMLElement = el("p", { class: "table-status", attributes: { role: "status" } });
  readonly #about: HTMLElement = el("span", "table-about");
  readonly #rowField: HTMLInputElement;
  readonly #rows: VirtualRows;
  readonly #layout: ColumnLayout;
  /** Rows that were read, in no order. */
  readonly #read = new Set<number>();
  #keyWidth = 0;
  /** The rows that are shown. Undefined: all of them as they are stored. */
  #order: readonly number[] | undefined;
  #sorting: Sorting | undefined;
  #reading: AbortController | undefined;
  #ordering: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #view: readonly [first: number, last: number] = [0, 0];
  #across: readonly [first: number, last: number] = [0, 0];
  #marked: { row: number; column: number } | undefined;

  /** @param changed called when the row, the column or the order has changed */
  constructor(
    entry: Entry,
    actions: TableActions,
    state: TableState = {},
    changed: (state: TableState) => void = () => {},
  ) {
    this.#entry = entry;
    this.#actions = actions;
    this.#changed = changed;
    this.#scroller = el(
      "div",
      {
        class: "table-scroll",
        attributes: {
          role: "grid",
          tabindex: 0,
          "aria-label": "The value as a table",
          "aria-rowcount": this.#size + 1,
        },
        on: { keydown: (event) => this.#pressed(event), scroll: () => this.#scrolled() },
      },
      this.#head,
    );
    const rowForm = el("input", {
      class: "table-go",
      attributes: {
        type: "number",
        min: 0,
        max: Math.max(0, this.#size - 1),
        step: 1,
        "aria-label": "Go to row",
        placeholder: "row",
      },
      on: {
        change: () => {
          if (this.#rowField.value !== "") this.goToRow(Number(this.#rowField.value));
        },
      },
    });
    this.#rowField = rowForm;
    this.element = el(
      "div",
      "table-view",
      this.#scroller,
      this.#status,
      el(
        "div",
        "table-foot",
        el("label", "table-go-label", "Go to row ", rowForm, ` of ${count(this.#size)}`),
        this.#about,
      ),
    );
    this.#layout = new ColumnLayout(textMeasure(this.#scroller));
    this.#rows = new VirtualRows(this.#scroller, {
      header: this.#head,
      count: () => this.#order?.length ?? this.#size,
      create: () =>
        el("div", {
          class: "table-row",
          attributes: { role: "row" },
          on: {
            click: ({ currentTarget, target }) =>
              this.#clicked(currentTarget as HTMLElement, target as Element),
          },
        }),
      render: (index, row) => this.#render(index, row),
      shown: (first, last) => {
        this.#view = [first, last];
        if (!entry.paged) void this.#describe(first, last);
        this.#readSoon();
      },
    });
    void this.#start(state);
  }

  /** Scrolls to a row, by its index in the container, and marks it. */
  goToRow(index: number): void {
    const at = Math.max(0, Math.min(this.#size - 1, Math.trunc(index)));
    const row = this.#order === undefined ? at : this.#order.indexOf(at);
    if (row < 0) {
      this.#status.textContent = `Row ${at} is not among the sorted rows. It was not read.`;
      return;
    }
    this.#mark(row, this.#marked?.column ?? 0, "third");
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
    this.#rows.close();
  }

  get #size(): number {
    return this.#entry.size ?? 0;
  }

  #indexAt(row: number): number {
    return this.#order === undefined ? row : this.#order[row]!;
  }

  async #start({ row, column, sort }: TableState): Promise<void> {
    await this.#attempt(async (signal) => {
      const sample = Array.from({ length: Math.min(SAMPLE, this.#size) }, (_, i) => i);
      await this.#load(sample, signal, []);
      const seen = sample.map((index) => this.#entry.child(index));
      this.#layout.add(columnNames(seen));
      const measure = textMeasure(this.#scroller);
      const keys = seen.map(({ key }) => measure(keyText(key)));
      this.#keyWidth = Math.ceil(Math.min(320, Math.max(48, ...keys, measure(count(this.#size))))) + 36;
      this.#drawAcross();
      if (sort !== undefined) {
        const { columns } = this.#layout;
        // A column of values has no name.
        await this.#sort({ ...sort, column: columns[0]?.name === undefined ? undefined : sort.column });
      }
    });
    const at = this.#layout.columns.findIndex(({ name }) => name === column);
    const position = row === undefined || this.#order === undefined ? (row ?? 0) : this.#order.indexOf(row);
    if (position >= 0 && (row !== undefined || at >= 0)) this.#mark(position, Math.max(0, at), "third");
    else this.#rows.refresh();
  }

  /** Loads the keys of the rows in view. They are in memory. */
  async #describe(first: number, last: number): Promise<void> {
    const indices = this.#indices(first, last);
    if (!indices.some((index) => this.#entry.child(index).pending)) return;
    for (const [from, to] of runs(indices)) await this.#entry.ensure(from, to);
    if (!this.#closing.signal.aborted) this.#rows.refreshSoon();
  }

  #indices(first: number, last: number): number[] {
    const end = Math.min(last, this.#order?.length ?? this.#size);
    return Array.from({ length: Math.max(0, end - first) }, (_, i) => this.#indexAt(first + i));
  }

  #readSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#reading?.abort();
      this.#reading = new AbortController();
      void this.#attempt(async (signal) => {
        const indices = this.#indices(...this.#view);
        const [first, last] = this.#across;
        await this.#load(indices, signal, this.#layout.columns.slice(first, last));
        if (this.#layout.columns.length > 0) this.#addColumns(indices);
        this.#fit(indices);
        this.#rows.refreshSoon();
      }, this.#reading.signal);
    }, READ_AFTER_MS);
  }

  /** Does work. Shows its failure. */
  async #attempt(work: (signal: AbortSignal) => Promise<void>, inner?: AbortSignal): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const signal = AbortSignal.any([this.#closing.signal, ...(inner === undefined ? [] : [inner])]);
    try {
      await work(signal);
    } catch (error) {
      if (isAbort(error, signal) || signal.aborted) return;
      const failure = failureOf(error);
      this.#status.textContent = `${failure.title}: ${failure.message} (${failure.code})`;
    }
  }

  /** Reads rows, then the small cells of rows that are containers in the table. */
  async #load(indices: readonly number[], signal: AbortSignal, columns: readonly Column[]): Promise<void> {
    const entry = this.#entry;
    for (const [from, to] of runs(indices)) await entry.ensure(from, to, { signal });
    const found = indices.map((index) => entry.child(index));
    if (entry.blocked) {
      const missing = indices.filter((_, i) => found[i]!.content === undefined);
      await Promise.all(runs(missing).map(([from, to]) => entry.loadItems(from, to, { signal })));
    } else {
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
    for (const index of indices) if (this.#read.size < REMEMBERED) this.#read.add(index);
  }

  /** Adds the columns of rows that have keys of their own. */
  #addColumns(indices: readonly number[]): void {
    if (this.#layout.columns[0]?.name === undefined) return;
    const rows = indices.map((index) => this.#entry.child(index));
    if (this.#layout.add(columnNames(rows))) this.#drawAcross();
  }

  /** Makes the columns in view wide enough for their cells. */
  #fit(indices: readonly number[]): void {
    let changed = false;
    const [first, last] = this.#across;
    for (let i = first; i < last; i++) {
      const column = this.#layout.columns[i]!;
      for (const index of indices) {
        const row = this.#entry.child(index);
        const cell = cellOf(row, column.name);
        if (cell === undefined) continue;
        const value = cell.content?.value;
        const isNumber = typeof value === "number" || typeof value === "bigint";
        // An absent value does not turn a column of numbers into one of texts.
        const before = column.numeric;
        if (cell.content !== undefined && value != null) column.numeric = isNumber && before !== false;
        changed = column.numeric !== before || changed;
        changed = this.#layout.widen(i, textOf(cellTokens(cell, row, column)), isNumber) || changed;
      }
    }
    if (changed) this.#drawAcross();
  }

  #scrolled(): void {
    const { scrollLeft, clientWidth } = this.#scroller;
    const [first, last] = this.#layout.between(scrollLeft, scrollLeft + clientWidth - this.#keyWidth);
    if (first === this.#across[0] && last === this.#across[1]) return;
    this.#across = [first, last];
    this.#drawHead();
    this.#rows.refreshSoon();
  }

  /** Redraws after columns have changed. */
  #drawAcross(): void {
    const { style, scrollLeft, clientWidth } = this.#scroller;
    style.setProperty("--key-width", `${this.#keyWidth}px`);
    style.setProperty("--table-width", `${this.#keyWidth + this.#layout.width}px`);
    this.#scroller.setAttribute("aria-colcount", String(this.#layout.columns.length + 1));
    this.#across = this.#layout.between(scrollLeft, scrollLeft + clientWidth - this.#keyWidth);
    this.#drawHead();
    this.#drawAbout();
    this.#rows.refreshSoon();
  }

  #drawAbout(): void {
    const { columns, omitted } = this.#layout;
    const parts = [`${count(columns.length)} ${columns.length === 1 ? "column" : "columns"}`];
    if (omitted > 0) parts.push(`${count(omitted)} more than the ${count(MAX_COLUMNS)} that a table shows`);
    if (this.#sorting !== undefined) {
      const { column = "value", descending } = this.#sorting;
      const rows = this.#order?.length ?? 0;
      const which =
        rows === this.#size
          ? `all ${count(rows)} rows`
          : `the ${count(rows)} rows that were read, of ${count(this.#size)}`;
      parts.push(`sorted by ${shownKey(column)}, ${descending ? "largest" : "smallest"} first: ${which}`);
    }
    fill(
      this.#about,
      parts.join(" · "),
      this.#sorting !== undefined &&
        el("button", {
          class: "text-button",
          text: "Unsort",
          attributes: { type: "button" },
          on: { click: () => void this.#sort(undefined) },
        }),
    );
  }

  #drawHead(): void {
    const focused = (document.activeElement as HTMLElement | null)?.dataset.sort;
    const [first, last] = this.#across;
    fill(
      this.#head,
      el("span", {
        class: "row-key",
        text: this.#entry.keyAt(0) === 0 ? "#" : "key",
        attributes: { role: "columnheader", "aria-colindex": 1 },
      }),
      ...this.#layout.columns.slice(first, last).map((column, i) => this.#header(column, first + i)),
    );
    if (focused !== undefined && document.activeElement === document.body) {
      this.#head.querySelector<HTMLElement>(`[data-sort="${focused}"]`)?.focus();
    }
  }

  #header(column: Column, index: number): HTMLElement {
    const name = shownKey(column.name ?? "value");
    const { column: sorted, descending = false } = this.#sorting ?? {};
    const isSorted = this.#sorting !== undefined && sorted === column.name;
    const next = { column: column.name, descending: isSorted && !descending };
    const sort = el(
      "button",
      {
        class: "sort",
        attributes: {
          type: "button",
          "data-sort": index,
          title: `Sort by ${name}, ${next.descending ? "largest" : "smallest"} first`,
        },
        on: { click: () => void this.#sort(next) },
      },
      el("bdi", { class: "name", text: name }),
      isSorted && icon(descending ? "down" : "up"),
    );
    return this.#place(
      el(
        "span",
        {
          class: column.numeric ? "cell numeric" : "cell",
          attributes: {
            role: "columnheader",
            "aria-colindex": index + 2,
            "aria-sort": isSorted ? (descending ? "descending" : "ascending") : undefined,
          },
        },
        sort,
        column.numeric === true &&
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
              on: { click: () => this.#actions.plot(column.name!) },
            },
            icon("spark"),
          ),
        this.#handle(index),
      ),
      index,
    );
  }

  /** The edge by which a column is made wider. From the keyboard, Shift with an arrow key does it. */
  #handle(index: number): HTMLElement {
    let start: { readonly x: number; readonly width: number } | undefined;
    const handle = el("span", {
      class: "column-edge",
      attributes: { "aria-hidden": "true", title: "Drag to resize; double-click to fit" },
      on: {
        pointerdown: (event) => {
          handle.setPointerCapture(event.pointerId);
          start = { x: event.clientX, width: this.#layout.columns[index]!.width };
          event.preventDefault();
        },
        pointermove: (event) => {
          if (start === undefined) return;
          this.#resize(index, start.width + event.clientX - start.x, false);
          handle.parentElement!.style.width = `${this.#layout.columns[index]!.width}px`;
        },
        pointerup: () => {
          start = undefined;
          this.#drawAcross();
        },
        dblclick: () => this.#resize(index, undefined, true),
      },
    });
    return handle;
  }

  #resize(index: number, width: number | undefined, done: boolean): void {
    this.#layout.resize(index, width);
    if (!done) {
      this.#rows.refreshSoon();
      return;
    }
    if (width === undefined) this.#fit(this.#indices(...this.#view));
    this.#drawAcross();
  }

  #place(cell: HTMLElement, index: number): HTMLElement {
    cell.style.left = `${this.#keyWidth + this.#layout.offset(index)}px`;
    cell.style.width = `${this.#layout.columns[index]!.width}px`;
    return cell;
  }

  #render(row: number, element: HTMLElement): void {
    const index = this.#indexAt(row);
    const at = this.#entry.child(index);
    const marked = this.#marked?.row === row;
    element.dataset.row = String(row);
    element.id = `table-row-${row}`;
    element.classList.toggle("marked", marked);
    element.setAttribute("aria-rowindex", String(index + 2));
    element.setAttribute("aria-selected", marked ? "true" : "false");
    const [first, last] = this.#across;
    fill(
      element,
      el("bdi", {
        class: "row-key",
        text: at.pending ? "…" : shownKey(keyText(at.key)),
        attributes: { role: "rowheader", "aria-colindex": 1 },
      }),
      ...this.#layout.columns.slice(first, last).map((column, i) => {
        const cell = cellOf(at, column.name);
        const current = marked && this.#marked?.column === first + i;
        const tokens = cell === undefined ? undefined : cellTokens(cell, at, column);
        const waiting = tokens === undefined ? at.content === undefined : tokens.length === 0;
        return this.#place(
          el(
            "span",
            {
              class: `cell${column.numeric ? " numeric" : ""}${current ? " current" : ""}`,
              attributes: { role: "gridcell", "data-column": first + i, "aria-colindex": first + i + 2 },
            },
            ...(waiting ? [el("span", "pending")] : tokenNodes(tokens ?? [])),
          ),
          first + i,
        );
      }),
    );
  }

  #clicked(element: HTMLElement, target: Element): void {
    const cell = target.closest<HTMLElement>("[data-column]");
    this.#go(Number(element.dataset.row), cell === null ? undefined : Number(cell.dataset.column));
  }

  #go(row: number, column: number | undefined): void {
    const at = this.#entry.child(this.#indexAt(row));
    const name = column === undefined ? undefined : this.#layout.columns[column]?.name;
    this.#actions.goTo((name !== undefined && cellOf(at, name)) || at);
  }

  /** Marks a row and a column, and scrolls to them. */
  #mark(row: number, column: number, where: "nearest" | "third" = "nearest"): void {
    const rows = this.#order?.length ?? this.#size;
    if (rows === 0 || this.#layout.columns.length === 0) return;
    const at = {
      row: Math.max(0, Math.min(rows - 1, row)),
      column: Math.max(0, Math.min(this.#layout.columns.length - 1, column)),
    };
    this.#marked = at;
    const left = this.#layout.offset(at.column);
    const right = left + this.#layout.columns[at.column]!.width;
    const room = this.#scroller.clientWidth - this.#keyWidth;
    const { scrollLeft } = this.#scroller;
    if (left < scrollLeft || right - left > room) this.#scroller.scrollLeft = left;
    else if (right > scrollLeft + room) this.#scroller.scrollLeft = right - room;
    this.#rows.reveal(at.row, where);
    this.#rows.refresh();
    this.#scroller.setAttribute("aria-activedescendant", `table-row-${at.row}`);
    this.#rowField.value = String(this.#indexAt(at.row));
    this.#report();
  }

  #report(): void {
    this.#changed({
      row: this.#marked === undefined ? undefined : this.#indexAt(this.#marked.row),
      column: this.#marked === undefined ? undefined : this.#layout.columns[this.#marked.column]!.name,
      sort: this.#sorting,
    });
  }

  #pressed(event: KeyboardEvent): void {
    if (event.target !== this.#scroller || event.altKey || event.ctrlKey || event.metaKey) return;
    const { row, column } = this.#marked ?? { row: this.#view[0] - 1, column: 0 };
    const last = (this.#order?.length ?? this.#size) - 1;
    const across = event.key === "ArrowLeft" ? -1 : 1;
    switch (event.key) {
      case "ArrowDown":
        this.#mark(row + 1, column);
        break;
      case "ArrowUp":
        this.#mark(row - 1, column);
        break;
      case "PageDown":
        this.#mark(row + this.#rows.page, column);
        break;
      case "PageUp":
        this.#mark(row - this.#rows.page, column);
        break;
      case "Home":
        this.#mark(0, column);
        break;
      case "End":
        this.#mark(last, column);
        break;
      case "ArrowLeft":
      case "ArrowRight":
        if (event.shiftKey && this.#marked !== undefined) {
          this.#resize(column, this.#layout.columns[column]!.width + across * RESIZE_STEP, true);
        } else this.#mark(Math.max(0, row), column + across);
        break;
      case "Enter":
        if (this.#marked !== undefined) this.#go(row, column);
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** Sorts the rows: all of them if they are few and small, otherwise those that were read. */
  async #sort(sorting: Sorting | undefined): Promise<void> {
    this.#ordering?.abort();
    const controller = new AbortController();
    this.#ordering = controller;
    if (sorting === undefined) {
      this.#order = undefined;
    } else {
      this.#status.textContent = "Sorting …";
      await this.#attempt(async (signal) => {
        const all = this.#size <= SORTED_ROWS && (this.#entry.bytes ?? 0) <= SORTED_BYTES;
        const indices = all
          ? Array.from({ length: this.#size }, (_, i) => i)
          : [...this.#read].sort((a, b) => a - b);
        const cells = await this.#cells(indices, sorting.column, signal);
        this.#order = await sortedIndices(indices, cells, sorting.descending, signal);
        this.#status.textContent = "";
      }, controller.signal);
      if (this.#status.textContent !== "" || controller.signal.aborted) return;
    }
    this.#sorting = sorting;
    this.#marked = undefined;
    this.#scroller.removeAttribute("aria-activedescendant");
    this.#rows.toTop();
    this.#drawAcross();
    this.#report();
  }

  /** Reads the cells of a column. */
  async #cells(
    indices: readonly number[],
    name: string | undefined,
    signal: AbortSignal,
  ): Promise<Map<number, Value | undefined>> {
    const slice = new TimeSlice();
    const cells = new Map<number, Value | undefined>();
    const column: Column = { name, width: 0, fixed: true, numeric: undefined };
    for (let at = 0; at < indices.length; at += STEP) {
      const step = indices.slice(at, at + STEP);
      await this.#load(step, signal, [column]);
      for (const index of step) {
        cells.set(index, cellOf(this.#entry.child(index), name)?.content?.value as Value | undefined);
        await slice.next(signal);
      }
    }
    return cells;
  }
}

/** What a cell shows. Numbers have all their digits. Empty while the cell is being read. */
function cellTokens(cell: Entry, row: Entry, { width, fixed }: Column): Token[] {
  if (cell.content !== undefined) {
    // A wider column shows more of a text.
    return preview(cell.content.value, fixed ? Math.max(60, Math.ceil(width / 6)) : 60);
  }
  const { outline } = cell;
  if (outline?.kind === "map") return [token("mark", `{${count(outline.count ?? 0)}}`)];
  if (outline?.kind === "list" || outline?.kind === "blocked") {
    return [token("mark", `[${count(outline.count ?? 0)}]`)];
  }
  const limit = cell === row ? ROW_BYTES : CELL_BYTES;
  return cell.bytes !== undefined && cell.bytes > limit ? [token("faint", size(cell.bytes))] : [];
}

/** Measures texts in the font of an element. */
function textMeasure(element: HTMLElement): (text: string) => number {
  const context = document.createElement("canvas").getContext("2d")!;
  return (text) => {
    const { fontSize, fontFamily } = getComputedStyle(element);
    const font = `${fontSize} ${fontFamily}`;
    if (context.font !== font) context.font = font;
    return context.measureText(text).width;
  };
}

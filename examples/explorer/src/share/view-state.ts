import { Emitter } from "../ui/emitter.js";

/** Two numbers, the smaller one first. */
export type Interval = readonly [from: number, to: number];

/**
 * How an entry is shown: what a link has to say besides the path, so that its reader sees the same. Each field is absent
 * where the default holds.
 */
export interface ViewState {
  /** The name of the view. */
  readonly tab?: string | undefined;
  /** What is seen of the horizontal axis of a plot. */
  readonly x?: Interval | undefined;
  /** What is seen of the vertical axis. */
  readonly y?: Interval | undefined;
  /** The column on the horizontal axis, where it is not the index. */
  readonly against?: string | undefined;
  /** Whether the vertical axis, or the scale of colors, is logarithmic. */
  readonly log?: boolean | undefined;
  /** The row of a table, from 0. */
  readonly row?: number | undefined;
  /** The column of a table, or of a plot. */
  readonly column?: string | undefined;
  /** The column that a table is sorted by. */
  readonly sort?: { readonly column: string; readonly descending: boolean } | undefined;
  /** The name of a color map. */
  readonly colors?: string | undefined;
  /** The values of the first and the last color. */
  readonly colorRange?: Interval | undefined;
  /** The index in each dimension of an array that is not shown as an axis. */
  readonly at?: readonly number[] | undefined;
}

const MAX_TEXT = 1000;
const MAX_DIMENSIONS = 32;

/** Fields of a link for a state. {@link readViewState} reads them. */
export function viewFields(state: ViewState): [name: string, value: string][] {
  const fields: [string, string | undefined][] = [
    ["tab", state.tab],
    ["x", state.x?.join(":")],
    ["y", state.y?.join(":")],
    ["against", state.against],
    ["log", state.log ? "1" : undefined],
    ["row", state.row?.toString()],
    ["column", state.column],
    ["sort", state.sort?.column],
    ["order", state.sort?.descending ? "descending" : undefined],
    ["colors", state.colors],
    ["range", state.colorRange?.join(":")],
    ["at", state.at?.join(",")],
  ];
  return fields.filter((field): field is [string, string] => field[1] !== undefined);
}

/** The state that the fields of a link describe. Fields that do not make sense are left out: anyone may write a link. */
export function readViewState(fields: ReadonlyMap<string, string>): ViewState {
  const text = (name: string): string | undefined => {
    const value = fields.get(name);
    return value !== undefined && value.length <= MAX_TEXT ? value : undefined;
  };
  const word = (name: string): string | undefined => {
    const value = fields.get(name);
    return value !== undefined && /^[a-z][a-z0-9-]{0,31}$/i.test(value) ? value : undefined;
  };
  const interval = (name: string): Interval | undefined => {
    const ends = fields.get(name)?.split(":").map(number) ?? [];
    const [from, to] = ends;
    return ends.length === 2 && from! < to! ? [from!, to!] : undefined;
  };
  const column = text("sort");
  const row = index(fields.get("row") ?? "");
  const at = fields.get("at")?.split(",").map(index);
  const isPosition = at?.every((i) => i !== undefined) && at.length <= MAX_DIMENSIONS;
  const state: ViewState = {
    tab: word("tab"),
    x: interval("x"),
    y: interval("y"),
    against: text("against"),
    log: fields.get("log") === "1" || undefined,
    row,
    column: text("column"),
    sort: column === undefined ? undefined : { column, descending: fields.get("order") === "descending" },
    colors: word("colors"),
    colorRange: interval("range"),
    at: isPosition ? (at as number[]) : undefined,
  };
  return present(state);
}

/** What the views of one entry say of themselves, so that a link can say it too. */
export class SharedView {
  /** The state has changed. */
  readonly changed: Emitter = new Emitter();
  #state: ViewState = {};

  get state(): ViewState {
    return this.#state;
  }

  /** Changes some fields. Undefined removes a field. */
  update(change: ViewState): void {
    this.#state = present({ ...this.#state, ...change });
    this.changed.emit();
  }

  /** Replaces the state, when another entry is shown. Emits nothing. */
  replace(state: ViewState): void {
    this.#state = state;
  }
}

function present(state: ViewState): ViewState {
  return Object.fromEntries(Object.entries(state).filter(([, value]) => value !== undefined));
}

/** A finite number. NaN for any other text. */
function number(text: string): number {
  return /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}

function index(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

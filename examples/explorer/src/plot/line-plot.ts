import { envelope, ticks } from "../numbers/axis.js";
import type { Series } from "../numbers/series.js";
import { Emitter } from "../ui/emitter.js";
import { count, measure } from "../ui/format.js";
import { Canvas, type Paint } from "./canvas.js";

const LEFT = 64;
const RIGHT = 16;
const TOP = 12;
const BOTTOM = 26;
/** Points are drawn too if neighbors are at least this many pixels apart. */
const POINT_GAP = 5;

/** Columns of numbers over their index, as lines. Dragging zooms, a double click shows all, arrow keys move the cursor. */
export class LinePlot {
  readonly element: HTMLElement;
  /** The index at the cursor. Undefined if there is none. */
  readonly read: Emitter<number | undefined> = new Emitter();
  readonly #canvas: Canvas;
  readonly #series: readonly Series[];
  readonly #hidden: ReadonlySet<number>;
  readonly #length: number;
  #from = 0;
  #to: number;
  #at: number | undefined;
  #drag: { readonly from: number; to: number } | undefined;

  constructor(series: readonly Series[], hidden: ReadonlySet<number>, label: string) {
    this.#series = series;
    this.#hidden = hidden;
    this.#length = Math.max(1, ...series.map(({ values }) => values.length));
    this.#to = this.#length;
    this.#canvas = new Canvas("line-plot", (paint) => this.#paint(paint));
    const { element } = this.#canvas;
    this.element = element;
    element.tabIndex = 0;
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", label);
    element.addEventListener("pointermove", (event) => this.#moved(event));
    element.addEventListener("pointerleave", () => this.#readAt(undefined));
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      element.setPointerCapture(event.pointerId);
      this.#drag = { from: this.#indexAt(event.offsetX), to: this.#indexAt(event.offsetX) };
    });
    element.addEventListener("pointerup", () => this.#dropped());
    element.addEventListener("dblclick", () => this.zoom(0, this.#length));
    element.addEventListener("keydown", (event) => this.#pressed(event));
  }

  refresh(): void {
    this.#canvas.paintSoon();
  }

  /** Shows the numbers from one index to another. */
  zoom(from: number, to: number): void {
    this.#from = Math.max(0, Math.floor(from));
    this.#to = Math.min(this.#length, Math.max(this.#from + 2, Math.ceil(to)));
    this.#canvas.paintSoon();
  }

  close(): void {
    this.#canvas.close();
  }

  get #inner(): number {
    return this.element.clientWidth - LEFT - RIGHT;
  }

  #indexAt(x: number): number {
    return this.#from + ((x - LEFT) / Math.max(1, this.#inner)) * (this.#to - this.#from);
  }

  #readAt(index: number | undefined): void {
    const at =
      index === undefined ? undefined : Math.max(this.#from, Math.min(this.#to - 1, Math.floor(index)));
    if (at === this.#at) return;
    this.#at = at;
    this.read.emit(at);
    this.#canvas.paintSoon();
  }

  #moved({ offsetX }: PointerEvent): void {
    if (this.#drag !== undefined) this.#drag.to = this.#indexAt(offsetX);
    this.#readAt(this.#indexAt(offsetX));
    this.#canvas.paintSoon();
  }

  #dropped(): void {
    const drag = this.#drag;
    this.#drag = undefined;
    if (drag === undefined) return;
    const [from, to] = drag.from < drag.to ? [drag.from, drag.to] : [drag.to, drag.from];
    if (((to - from) / (this.#to - this.#from)) * this.#inner > 6) this.zoom(from, to);
    else this.#canvas.paintSoon();
  }

  #pressed(event: KeyboardEvent): void {
    const width = this.#to - this.#from;
    const step = event.shiftKey ? Math.max(1, Math.round(width / 20)) : 1;
    const at = this.#at ?? this.#from;
    switch (event.key) {
      case "ArrowRight":
        this.#readAt(at + step);
        break;
      case "ArrowLeft":
        this.#readAt(at - step);
        break;
      case "Home":
        this.#readAt(this.#from);
        break;
      case "End":
        this.#readAt(this.#to - 1);
        break;
      case "+":
        this.zoom(at - width / 4, at + width / 4);
        break;
      case "-":
        this.zoom(this.#from - width / 2, this.#to + width / 2);
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  #paint({ context, width, height, color }: Paint): void {
    const shown = this.#series.flatMap((series, i) =>
      this.#hidden.has(i) ? [] : [{ ...series, color: color(`--series-${i % 8}`) }],
    );
    const inner = Math.max(1, width - LEFT - RIGHT);
    const bottom = height - BOTTOM;
    const columns = Math.max(1, Math.floor(inner));
    const range = this.#to - this.#from;
    const dense = range > columns;
    const bounds = shown.map(({ values }) => envelope(values, this.#from, this.#to, dense ? columns : range));
    let least = Number.POSITIVE_INFINITY;
    let greatest = Number.NEGATIVE_INFINITY;
    for (const pairs of bounds) {
      for (const value of pairs) {
        if (value < least) least = value;
        if (value > greatest) greatest = value;
      }
    }
    if (least > greatest) {
      least = 0;
      greatest = 1;
    }
    const margin = (greatest - least) * 0.06 || Math.abs(greatest) * 0.1 || 1;
    least -= margin;
    greatest += margin;
    const x = (index: number): number => LEFT + ((index - this.#from) / Math.max(1, range - 1)) * inner;
    const y = (value: number): number => TOP + ((greatest - value) / (greatest - least)) * (bottom - TOP);

    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const mark of ticks(least, greatest, Math.max(2, height / 52))) {
      const at = Math.round(y(mark)) + 0.5;
      context.strokeStyle = color("--grid");
      context.beginPath();
      context.moveTo(LEFT, at);
      context.lineTo(width - RIGHT, at);
      context.stroke();
      context.fillStyle = color("--muted");
      context.fillText(measure(mark), LEFT - 8, at);
    }
    context.textBaseline = "alphabetic";
    context.textAlign = "center";
    for (const mark of ticks(this.#from, this.#to - 1, Math.max(2, inner / 110))) {
      if (!Number.isInteger(mark)) continue;
      context.fillStyle = color("--muted");
      context.fillText(count(mark), Math.min(width - RIGHT - 8, x(mark)), height - 8);
    }

    for (const [i, { color: stroke, values }] of shown.entries()) {
      context.strokeStyle = stroke;
      context.fillStyle = stroke;
      context.lineWidth = dense ? 1 : 1.5;
      context.lineJoin = "round";
      context.beginPath();
      const pairs = bounds[i]!;
      let drawing = false;
      for (let column = 0; column * 2 < pairs.length; column++) {
        const low = pairs[column * 2]!;
        const high = pairs[column * 2 + 1]!;
        if (Number.isNaN(low)) {
          drawing = false;
          continue;
        }
        const across = dense ? LEFT + column + 0.5 : x(this.#from + column);
        if (drawing) context.lineTo(across, y(high));
        else context.moveTo(across, y(high));
        if (dense && low !== high) context.lineTo(across, y(low));
        drawing = true;
      }
      context.stroke();
      if (!dense && inner / range > POINT_GAP) {
        for (let index = this.#from; index < this.#to; index++) {
          const value = values[index];
          if (value === undefined || !Number.isFinite(value)) continue;
          context.beginPath();
          context.arc(x(index), y(value), 2.2, 0, 2 * Math.PI);
          context.fill();
        }
      }
    }

    if (this.#drag !== undefined) {
      const [from, to] = [this.#drag.from, this.#drag.to].sort((a, b) => a - b) as [number, number];
      context.fillStyle = color("--select");
      context.fillRect(x(from), TOP, x(to) - x(from), bottom - TOP);
    }
    if (this.#at !== undefined) {
      const across = x(this.#at);
      context.strokeStyle = color("--faint");
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(across, TOP);
      context.lineTo(across, bottom);
      context.stroke();
      for (const { values, color: fill } of shown) {
        const value = values[this.#at];
        if (value === undefined || !Number.isFinite(value)) continue;
        context.fillStyle = color("--panel");
        context.strokeStyle = fill;
        context.lineWidth = 2;
        context.beginPath();
        context.arc(across, y(value), 4, 0, 2 * Math.PI);
        context.fill();
        context.stroke();
      }
    }
  }
}

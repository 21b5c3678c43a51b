import "uplot/dist/uPlot.min.css";
import uPlot from "uplot";
import type { Curve } from "../numbers/curve.js";
import type { Interval } from "../share/view-state.js";
import { styleValue } from "../ui/dom.js";
import { Emitter } from "../ui/emitter.js";
import { measure } from "../ui/format.js";
import { beforeNextFrame } from "../ui/next-frame.js";
import { onNewColors } from "../ui/theme.js";
import { Pinch } from "./pinch.js";
import { axisOf, colorsOf, LEAST_DRAG, selectingCursor } from "./plot-parts.js";

/** What is seen of both axes. Undefined: all of it. */
export interface Seen {
  readonly x: Interval | undefined;
  readonly y: Interval | undefined;
}

/** Pairs that are drawn. More are a sample: every n-th. */
const MAX_POINTS = 200_000;
/** Pixels from the pointer within which a point is read. */
const NEAR = 24;

const ALL: Seen = { x: undefined, y: undefined };

/** One column against another, as points. Dragging or two fingers zoom, a double click shows all. */
export class ScatterPlot {
  readonly element: HTMLElement;
  /** The index of the point at the pointer. */
  readonly read: Emitter<number | undefined> = new Emitter();
  /** What is seen of the axes has changed. */
  readonly zoomed: Emitter<Seen> = new Emitter();
  /** Of every how many pairs one is drawn. */
  readonly step: number;
  readonly #xs: number[] = [];
  readonly #ys: number[] = [];
  readonly #indices: number[] = [];
  readonly #sizes: ResizeObserver;
  readonly #makeSoon: () => void = beforeNextFrame(() => this.#make());
  readonly #unlisten: () => void = onNewColors(this.#makeSoon);
  #plot: uPlot | undefined;
  #pinch: Pinch | undefined;
  #log = false;
  #seen: Seen = ALL;

  constructor(xs: Curve, ys: Curve, color: number, label: string) {
    this.step = Math.ceil(xs.length / MAX_POINTS);
    for (let i = 0; i < xs.length; i += this.step) {
      const [x, y] = [xs.at(i), ys.at(i)];
      if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
      this.#xs.push(x!);
      this.#ys.push(y!);
      this.#indices.push(i);
    }
    this.element = document.createElement("div");
    this.element.className = `scatter-plot series-${color % 8}`;
    this.element.setAttribute("role", "img");
    this.element.setAttribute("aria-label", label);
    this.#sizes = new ResizeObserver(() => this.#make());
    this.#sizes.observe(this.element);
  }

  set log(log: boolean) {
    this.#log = log;
    this.#make();
  }

  get canvas(): HTMLCanvasElement | undefined {
    return this.#plot?.ctx.canvas;
  }

  zoom(seen: Seen): void {
    this.#seen = seen;
    this.#makeSoon();
    this.zoomed.emit(seen);
  }

  /** Shows a larger or smaller part. `factor`: below 1 shows less. */
  zoomBy(factor: number): void {
    if (this.#plot === undefined) return;
    const { over, cursor } = this.#plot;
    const { left = -1, top = -1 } = cursor;
    const isThere = left >= 0 && top >= 0;
    this.#zoomAround(factor, isThere ? left : over.clientWidth / 2, isThere ? top : over.clientHeight / 2);
  }

  showAll(): void {
    this.zoom(ALL);
  }

  close(): void {
    this.#unlisten();
    this.#sizes.disconnect();
    this.#plot?.destroy();
  }

  /** @param x the position that stays where it is, in pixels from the left, and `y` from the top */
  #zoomAround(factor: number, x: number, y: number): void {
    const plot = this.#plot!;
    const { clientWidth: width, clientHeight: height } = plot.over;
    this.zoom({
      x: [plot.posToVal(x - x * factor, "x"), plot.posToVal(x + (width - x) * factor, "x")],
      y: [plot.posToVal(y + (height - y) * factor, "y"), plot.posToVal(y - y * factor, "y")],
    });
  }

  #selected(plot: uPlot): void {
    const { left, top, width, height } = plot.select;
    if (width < LEAST_DRAG || height < LEAST_DRAG) return;
    this.zoom({
      x: [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")],
      y: [plot.posToVal(top + height, "y"), plot.posToVal(top, "y")],
    });
  }

  #make(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === 0 || height === 0) return;
    this.#plot?.destroy();
    const color = colorsOf(this.element);
    const axis: uPlot.Axis = {
      ...axisOf(this.element),
      values: (_, marks) => marks.map((mark) => (mark === null ? "" : measure(mark))),
    };
    const kept = this.#log ? this.#ys.flatMap((y, i) => (y > 0 ? [i] : [])) : undefined;
    const pick = (values: number[]): number[] => kept?.map((i) => values[i]!) ?? values;
    this.#plot = new uPlot(
      {
        mode: 2,
        width,
        height,
        legend: { show: false },
        padding: [12, 16, 0, 0],
        scales: {
          x: { time: false, ...(this.#seen.x && { range: [...this.#seen.x] }) },
          y: { ...(this.#log && { distr: 3 }), ...(this.#seen.y && { range: [...this.#seen.y] }) },
        },
        axes: [
          { ...axis, space: 100 },
          { ...axis, size: 70 },
        ],
        series: [{}, { stroke: color("--series"), paths: points }],
        cursor: selectingCursor(true, {
          byTouch: () => this.#pinch?.byTouch === true,
          showAll: () => this.showAll(),
        }),
        hooks: {
          setSelect: [(plot) => this.#selected(plot)],
          setCursor: [(plot) => this.#moved(plot)],
        },
      },
      [null, [pick(this.#xs), pick(this.#ys)]] as unknown as uPlot.AlignedData,
      this.element,
    );
    this.#pinch = new Pinch(this.#plot.over, {
      read: (x, y) => this.#plot?.setCursor({ left: x, top: y }),
      zoom: (from, to, y) => {
        const factor = (to - from) / this.#plot!.over.clientWidth;
        // The position that stays where it is: from = x − x · factor.
        this.#zoomAround(factor, factor === 1 ? from : from / (1 - factor), y);
      },
    });
  }

  /** Finds the nearest point: a hundred thousand are compared in a millisecond. */
  #moved(plot: uPlot): void {
    const { left = -1, top = -1 } = plot.cursor;
    if (left < 0) {
      this.read.emit(undefined);
      return;
    }
    let found: number | undefined;
    let least = NEAR ** 2;
    for (const [i, x] of this.#xs.entries()) {
      const across = plot.valToPos(x, "x") - left;
      if (Math.abs(across) > NEAR) continue;
      const distance = across ** 2 + (plot.valToPos(this.#ys[i]!, "y") - top) ** 2;
      if (distance < least) {
        least = distance;
        found = this.#indices[i];
      }
    }
    this.read.emit(found);
  }
}

/** Draws each pair as a square. */
function points(plot: uPlot, index: number): null {
  uPlot.orient(
    plot,
    index,
    (_series, xs, ys, scaleX, scaleY, valToPosX, valToPosY, left, top, width, height) => {
      const { ctx } = plot;
      const size = 3 * devicePixelRatio;
      ctx.save();
      ctx.beginPath();
      ctx.rect(left, top, width, height);
      ctx.clip();
      ctx.fillStyle = styleValue(plot.root, "--series");
      ctx.globalAlpha = xs.length > 5000 ? 0.4 : 0.8;
      for (const [i, x] of (xs as unknown as number[]).entries()) {
        const across = valToPosX(x, scaleX, width, left);
        const down = valToPosY(ys[i]!, scaleY, height, top);
        ctx.fillRect(across - size / 2, down - size / 2, size, size);
      }
      ctx.restore();
    },
  );
  return null;
}

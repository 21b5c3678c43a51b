import "uplot/dist/uPlot.min.css";
import uPlot from "uplot";
import type { Curve } from "../numbers/curve.js";
import { Emitter } from "../ui/emitter.js";
import { count, measure } from "../ui/format.js";
import { beforeNextFrame } from "../ui/next-frame.js";
import { onNewColors } from "../ui/theme.js";
import { Pinch } from "./pinch.js";
import { axisOf, colorsOf, LEAST_DRAG, selectingCursor } from "./plot-parts.js";

/** Points are drawn too if neighbors are at least this many pixels apart. */
const POINT_GAP = 5;

/**
 * Columns of numbers over their index, as lines. Dragging or two fingers zoom, a double click shows all, arrow keys move the
 * cursor. The library draws axes, lines and the cursor. What it is given is the minimum and the maximum in each column of
 * pixels: ten million numbers would take it seconds.
 */
export class LinePlot {
  readonly element: HTMLElement;
  /** The index at the cursor. Undefined if there is none. */
  readonly read: Emitter<number | undefined> = new Emitter();
  /** What is seen of the axis has changed: from an index, up to another. */
  readonly zoomed: Emitter<readonly [from: number, to: number]> = new Emitter();
  readonly refresh: () => void;
  readonly #curves: readonly Curve[];
  readonly #hidden: ReadonlySet<number>;
  readonly #length: number;
  readonly #sizes: ResizeObserver;
  readonly #unlisten: () => void;
  #plot: uPlot | undefined;
  #pinch: Pinch | undefined;
  #log = false;
  #withPoints = false;
  #from = 0;
  #to: number;
  #at: number | undefined;

  constructor(curves: readonly Curve[], hidden: ReadonlySet<number>, label: string) {
    this.#curves = curves;
    this.#hidden = hidden;
    this.#length = Math.max(1, ...curves.map(({ length }) => length));
    this.#to = this.#length;
    this.element = document.createElement("div");
    this.element.className = "line-plot";
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "img");
    this.element.setAttribute("aria-label", label);
    this.element.addEventListener("keydown", (event) => this.#pressed(event));
    this.refresh = beforeNextFrame(() => this.#draw());
    this.#sizes = new ResizeObserver(() => this.#make());
    this.#sizes.observe(this.element);
    this.#unlisten = onNewColors(this.refresh);
  }

  get range(): readonly [from: number, to: number] {
    return [this.#from, this.#to];
  }

  get isWhole(): boolean {
    return this.#from === 0 && this.#to === this.#length;
  }

  /** Whether the vertical axis is logarithmic. Numbers up to 0 have no position on it. */
  set log(log: boolean) {
    this.#log = log;
    this.#make();
  }

  get canvas(): HTMLCanvasElement | undefined {
    return this.#plot?.ctx.canvas;
  }

  /** Shows the numbers from one index up to another. */
  zoom(from: number, to: number): void {
    this.#from = Math.max(0, Math.min(this.#length - 2, Math.floor(from)));
    this.#to = Math.min(this.#length, Math.max(this.#from + 2, Math.ceil(to)));
    this.refresh();
    this.zoomed.emit([this.#from, this.#to]);
  }

  /** Shows a larger or smaller part. `factor`: below 1 shows less. */
  zoomBy(factor: number): void {
    const middle = this.#at ?? (this.#from + this.#to) / 2;
    this.zoom(middle - (middle - this.#from) * factor, middle + (this.#to - middle) * factor);
  }

  showAll(): void {
    this.zoom(0, this.#length);
  }

  close(): void {
    this.#sizes.disconnect();
    this.#unlisten();
    this.#plot?.destroy();
  }

  /** Makes the plot anew, for another size or scale. */
  #make(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === 0 || height === 0) return;
    if (this.#plot !== undefined && (this.#plot.scales.y!.distr === 3) === this.#log) {
      this.#plot.setSize({ width, height });
      this.#draw();
      return;
    }
    this.#plot?.destroy();
    const color = colorsOf(this.element);
    const axis = axisOf(this.element);
    this.#plot = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        padding: [12, 16, 0, 0],
        scales: {
          x: { time: false, range: () => [this.#from, Math.max(this.#from + 1, this.#to - 1)] },
          y: this.#log ? { distr: 3 } : {},
        },
        axes: [
          {
            ...axis,
            space: 100,
            incrs: wholeSteps(),
            values: (_, marks) => marks.map((mark) => (Number.isInteger(mark) ? count(mark) : "")),
          },
          {
            ...axis,
            size: 70,
            values: (_, marks) => marks.map((mark) => (mark === null ? "" : measure(mark))),
          },
        ],
        series: [
          {},
          ...this.#curves.map((_, i) => ({
            stroke: color(`--series-${i % 8}`),
            width: 1.5,
            points: { show: () => this.#withPoints, size: 5 },
          })),
        ],
        cursor: selectingCursor(false, {
          byTouch: () => this.#pinch?.byTouch === true,
          showAll: () => this.showAll(),
        }),
        hooks: {
          setSelect: [(plot) => this.#selected(plot)],
          setCursor: [
            (plot) => {
              const { left = -1 } = plot.cursor;
              this.#readAt(left < 0 ? undefined : Math.round(plot.posToVal(left, "x")));
            },
          ],
        },
      },
      [[], ...this.#curves.map(() => [])] as unknown as uPlot.AlignedData,
      this.element,
    );
    this.#pinch = new Pinch(this.#plot.over, {
      read: (x) => this.#plot?.setCursor({ left: x, top: 0 }),
      zoom: (from, to) => {
        const plot = this.#plot!;
        this.zoom(plot.posToVal(from, "x"), plot.posToVal(to, "x") + 1);
      },
    });
    this.#draw();
  }

  #draw(): void {
    const plot = this.#plot;
    if (plot === undefined) return;
    const pixels = Math.max(1, Math.floor(this.element.clientWidth - 86));
    const range = this.#to - this.#from;
    const dense = range > pixels;
    const columns = dense ? pixels : range;
    // Two points in each column of pixels: the minimum and the maximum.
    const xs = new Float64Array(dense ? columns * 2 : columns);
    for (let i = 0; i < xs.length; i++) xs[i] = this.#from + (dense ? ((i + 0.5) * range) / xs.length : i);
    const covered = this.#curves.map((curve) => curve.covers(this.#from, this.#to));
    const rows = this.#curves.map((curve, i) => {
      if (this.#hidden.has(i)) return new Array<null>(xs.length).fill(null);
      const bounds = curve.envelope(this.#from, this.#to, columns);
      return Array.from({ length: xs.length }, (_, at) => {
        const value = bounds[dense ? at : at * 2]!;
        if (Number.isNaN(value) || (this.#log && value <= 0)) {
          // What was not read is no gap: lines go on from one part that was read to the next.
          return covered[i] ? null : undefined;
        }
        return value;
      });
    });
    this.#withPoints = !dense && plot.bbox.width / range > POINT_GAP * devicePixelRatio;
    plot.batch(() => {
      plot.setData([xs, ...rows] as unknown as uPlot.AlignedData, true);
    });
    plot.redraw(true, true);
  }

  #selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width > LEAST_DRAG) {
      this.zoom(plot.posToVal(left, "x"), plot.posToVal(left + width, "x") + 1);
    }
    if (width > 0) plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  #readAt(index: number | undefined): void {
    const at = index === undefined ? undefined : Math.max(this.#from, Math.min(this.#to - 1, index));
    if (at === this.#at) return;
    this.#at = at;
    this.read.emit(at);
  }

  #moveTo(index: number): void {
    const at = Math.max(this.#from, Math.min(this.#to - 1, index));
    this.#plot?.setCursor({ left: this.#plot.valToPos(at, "x"), top: 0 });
    this.#readAt(at);
  }

  #pressed(event: KeyboardEvent): void {
    const width = this.#to - this.#from;
    const step = event.shiftKey ? Math.max(1, Math.round(width / 20)) : 1;
    const at = this.#at ?? this.#from;
    switch (event.key) {
      case "ArrowRight":
        this.#moveTo(at + step);
        break;
      case "ArrowLeft":
        this.#moveTo(at - step);
        break;
      case "Home":
        this.#moveTo(this.#from);
        break;
      case "End":
        this.#moveTo(this.#to - 1);
        break;
      case "+":
        this.zoomBy(0.5);
        break;
      case "-":
        this.zoomBy(2);
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

/** Steps of an axis of indices: 1, 2 or 5 times a power of ten. */
function wholeSteps(): number[] {
  return Array.from({ length: 13 }, (_, power) => [1, 2, 5].map((factor) => factor * 10 ** power)).flat();
}

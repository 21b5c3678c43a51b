import "uplot/dist/uPlot.min.css";
import uPlot from "uplot";
import { styleValue } from "../ui/dom.js";
import { Emitter } from "../ui/emitter.js";
import { measure } from "../ui/format.js";

/** Pairs that are drawn. More are a sample: every n-th. */
const MAX_POINTS = 200_000;
/** Pixels from the pointer within which a point is read. */
const NEAR = 24;

/** One column against another, as points. Dragging zooms, a double click shows all. */
export class ScatterPlot {
  readonly element: HTMLElement;
  /** The index of the point at the pointer. */
  readonly read: Emitter<number | undefined> = new Emitter();
  /** Of every how many pairs one is drawn. */
  readonly step: number;
  readonly #xs: number[] = [];
  readonly #ys: number[] = [];
  readonly #indices: number[] = [];
  readonly #sizes: ResizeObserver;
  #plot: uPlot | undefined;
  #log = false;

  constructor(xs: Float64Array, ys: Float64Array, color: number, label: string) {
    this.step = Math.ceil(xs.length / MAX_POINTS);
    for (let i = 0; i < xs.length; i += this.step) {
      if (!Number.isFinite(xs[i]) || !Number.isFinite(ys[i])) continue;
      this.#xs.push(xs[i]!);
      this.#ys.push(ys[i]!);
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

  close(): void {
    this.#sizes.disconnect();
    this.#plot?.destroy();
  }

  #make(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === 0 || height === 0) return;
    this.#plot?.destroy();
    const color = (name: `--${string}`) => (): string => styleValue(this.element, name);
    const axis: uPlot.Axis = {
      stroke: color("--muted"),
      font: `11px ${styleValue(this.element, "--mono")}`,
      grid: { stroke: color("--grid"), width: 1 },
      ticks: { show: false },
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
        scales: { x: { time: false }, y: this.#log ? { distr: 3 } : {} },
        axes: [
          { ...axis, space: 100 },
          { ...axis, size: 70 },
        ],
        series: [{}, { stroke: color("--series"), paths: points }],
        cursor: { drag: { x: true, y: true }, points: { show: false } },
        hooks: { setCursor: [(plot) => this.#moved(plot)] },
      },
      [null, [pick(this.#xs), pick(this.#ys)]] as unknown as uPlot.AlignedData,
      this.element,
    );
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

import { ticks } from "../numbers/axis.js";
import type { Grid } from "../numbers/tensor.js";
import { Emitter } from "../ui/emitter.js";
import { count, measure } from "../ui/format.js";
import { Canvas, type Paint } from "./canvas.js";
import { COLORS } from "./color-maps.js";
import { Pinch } from "./pinch.js";

const LEFT = 64;
const RIGHT = 96;
const TOP = 8;
const BOTTOM = 26;
const SCALE = 12;
const LEAST_DRAG = 6;

/** How the numbers of an image become colors. */
export interface Coloring {
  /** Three bytes for each of {@link COLORS}. */
  readonly colors: Uint8ClampedArray;
  /** The values of the first and the last color. */
  readonly domain: readonly [least: number, greatest: number];
  readonly log: boolean;
  /** The greatest value of a channel, if the cells are colors themselves. */
  readonly channelScale: number;
}

/** A part of an image: from a row and a column up to others. */
export interface Part {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/**
 * Numbers in rows and columns as an image with square cells that fill the room. It takes one cell for each pixel, however
 * many there are; a part that was zoomed into shows all of its cells. Canvas and not a library: plots of curves draw no
 * images, and those that do weigh a megabyte.
 */
export class ImagePlot {
  readonly element: HTMLCanvasElement;
  /** The cell under the pointer. */
  readonly read: Emitter<{ readonly row: number; readonly column: number } | undefined> = new Emitter();
  /** Another part is shown. */
  readonly zoomed: Emitter<Part> = new Emitter();
  readonly #canvas: Canvas;
  #grid: Grid;
  #coloring: Coloring;
  #part: Part;
  /** Of how many cells one is shown, across and down. */
  #sampling: readonly [across: number, down: number] = [1, 1];
  #cell = { width: 1, height: 1 };
  /** The shown part, each pixel one cell. A drag paints it again; it is computed only for another part, size or coloring. */
  #image: OffscreenCanvas | undefined;
  #drag: { readonly x: number; readonly y: number; toX: number; toY: number } | undefined;
  #at: { readonly row: number; readonly column: number } | undefined;

  constructor(grid: Grid, coloring: Coloring) {
    this.#grid = grid;
    this.#coloring = coloring;
    this.#part = { top: 0, left: 0, bottom: grid.rows, right: grid.columns };
    this.#canvas = new Canvas("image-plot", (paint) => this.#paint(paint));
    const { element } = this.#canvas;
    this.element = element;
    element.tabIndex = 0;
    element.setAttribute("role", "img");
    element.setAttribute(
      "aria-label",
      `${count(grid.rows)} rows of ${count(grid.columns)} ${grid.channels === 1 ? "numbers" : "colors"} as an image`,
    );
    element.addEventListener("pointermove", (event) => this.#moved(event));
    element.addEventListener("pointerleave", ({ pointerType }) => {
      // A finger that has read a cell goes up, and the reading stays.
      if (pointerType !== "touch") this.#readAt(undefined);
    });
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      element.setPointerCapture(event.pointerId);
      this.#drag = { x: event.offsetX, y: event.offsetY, toX: event.offsetX, toY: event.offsetY };
    });
    element.addEventListener("pointerup", () => this.#dropped());
    element.addEventListener("dblclick", () => this.showAll());
    element.addEventListener("keydown", (event) => this.#pressed(event));
    new Pinch(element, {
      read: (x, y) => this.#readAt(this.#cellAt(x, y)),
      zoom: (from, to, y) =>
        this.zoomBy((to - from) / element.clientWidth, this.#positionAt((from + to) / 2, y)),
    });
  }

  /** Another image of the same size. */
  set grid(grid: Grid) {
    this.#grid = grid;
    this.#image = undefined;
    this.#canvas.paintSoon();
  }

  set coloring(coloring: Coloring) {
    this.#coloring = coloring;
    this.#image = undefined;
    this.#canvas.paintSoon();
  }

  get part(): Part {
    return this.#part;
  }

  /** Of how many cells one is shown, across and down, when it was painted last. */
  get sampling(): readonly [across: number, down: number] {
    return this.#sampling;
  }

  /** Shows a part. */
  zoom({ top, left, bottom, right }: Part): void {
    const { rows, columns } = this.#grid;
    const from = (at: number, most: number): number => Math.max(0, Math.min(most - 1, Math.floor(at)));
    const first = { row: from(top, rows), column: from(left, columns) };
    this.#part = {
      top: first.row,
      left: first.column,
      bottom: Math.min(rows, Math.max(first.row + 1, Math.ceil(bottom))),
      right: Math.min(columns, Math.max(first.column + 1, Math.ceil(right))),
    };
    this.#image = undefined;
    this.#canvas.paint();
    this.zoomed.emit(this.#part);
  }

  /** Shows a larger or smaller part. `factor`: below 1 shows less. */
  zoomBy(factor: number, around?: { readonly row: number; readonly column: number }): void {
    const { top, left, bottom, right } = this.#part;
    const { row: y, column: x } = around ??
      this.#at ?? { row: (top + bottom) / 2, column: (left + right) / 2 };
    this.zoom({
      top: y - (y - top) * factor,
      bottom: y + (bottom - y) * factor,
      left: x - (x - left) * factor,
      right: x + (right - x) * factor,
    });
  }

  showAll(): void {
    this.zoom({ top: 0, left: 0, bottom: this.#grid.rows, right: this.#grid.columns });
  }

  close(): void {
    this.#canvas.close();
  }

  #paint({ context, width, height, color }: Paint): void {
    const { top, left, bottom, right } = this.#part;
    const [rows, columns] = [bottom - top, right - left];
    const isColor = this.#grid.channels > 1;
    const room = {
      width: Math.max(1, width - LEFT - (isColor ? 16 : RIGHT)),
      height: Math.max(1, height - TOP - BOTTOM),
    };
    // Long and thin images are stretched, because square cells would be too small.
    const across = room.width / columns;
    const down = room.height / rows;
    const square = Math.min(across, down);
    const stretched = square * 4 < Math.max(across, down);
    const cell = { width: stretched ? across : square, height: stretched ? down : square };
    this.#cell = cell;
    const size = { width: cell.width * columns, height: cell.height * rows };
    const image = this.#imageOf(
      Math.min(columns, Math.ceil(size.width * devicePixelRatio)),
      Math.min(rows, Math.ceil(size.height * devicePixelRatio)),
    );
    // Each pixel shows one number. A mean of neighbors would be a number that is not there.
    context.imageSmoothingEnabled = false;
    context.drawImage(image, LEFT, TOP, size.width, size.height);
    context.fillStyle = color("--muted");
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const mark of ticks(top, bottom - 1, Math.max(2, size.height / 60))) {
      if (Number.isInteger(mark)) {
        context.fillText(count(mark), LEFT - 8, TOP + (mark - top + 0.5) * cell.height);
      }
    }
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    for (const mark of ticks(left, right - 1, Math.max(2, size.width / 80))) {
      if (Number.isInteger(mark)) {
        context.fillText(count(mark), LEFT + (mark - left + 0.5) * cell.width, TOP + size.height + 18);
      }
    }
    if (!isColor) this.#paintScale(context, LEFT + size.width + 16, size.height, color("--muted"));
    if (this.#drag !== undefined) {
      const { x, y, toX, toY } = this.#drag;
      context.fillStyle = color("--select");
      context.fillRect(x, y, toX - x, toY - y);
      context.strokeStyle = color("--muted");
      context.strokeRect(x, y, toX - x, toY - y);
    }
  }

  #paintScale(context: CanvasRenderingContext2D, left: number, height: number, text: string): void {
    const { colors, domain, log } = this.#coloring;
    for (let y = 0; y < height; y++) {
      const at = Math.round((1 - y / height) * (COLORS - 1)) * 3;
      context.fillStyle = `rgb(${colors[at]} ${colors[at + 1]} ${colors[at + 2]})`;
      context.fillRect(left, TOP + y, SCALE, 1.5);
    }
    const [least, greatest] = domain;
    context.fillStyle = text;
    context.textAlign = "left";
    context.textBaseline = "middle";
    const marks = log
      ? ticks(Math.log10(least), Math.log10(greatest), Math.max(2, height / 60)).map((power) => 10 ** power)
      : ticks(least, greatest, Math.max(2, height / 60));
    const share = scaleOf(this.#coloring);
    for (const mark of marks) {
      context.fillText(measure(mark), left + SCALE + 6, TOP + (1 - share(mark)) * height);
    }
  }

  /** The shown part as an image of `width` times `height` pixels, each of which is one cell. */
  #imageOf(width: number, height: number): OffscreenCanvas {
    if (this.#image?.width === width && this.#image.height === height) return this.#image;
    const { top, left, bottom, right } = this.#part;
    const grid = this.#grid;
    const { colors, channelScale } = this.#coloring;
    const pixels = new ImageData(width, height);
    const { data } = pixels;
    const down = (bottom - top) / height;
    const across = (right - left) / width;
    this.#sampling = [across, down];
    const shareOf = scaleOf(this.#coloring);
    for (let y = 0; y < height; y++) {
      const row = top + Math.floor(y * down);
      for (let x = 0; x < width; x++) {
        const column = left + Math.floor(x * across);
        const pixel = (y * width + x) * 4;
        if (grid.channels > 1) {
          for (let channel = 0; channel < grid.channels; channel++) {
            data[pixel + channel] = (grid.at(row, column, channel) * 255) / channelScale;
          }
          if (grid.channels === 3) data[pixel + 3] = 255;
          continue;
        }
        const share = shareOf(grid.at(row, column));
        // What is no number, or has no logarithm, is transparent.
        if (Number.isNaN(share)) continue;
        const at = Math.round(share * (COLORS - 1)) * 3;
        data[pixel] = colors[at]!;
        data[pixel + 1] = colors[at + 1]!;
        data[pixel + 2] = colors[at + 2]!;
        data[pixel + 3] = 255;
      }
    }
    this.#image = new OffscreenCanvas(width, height);
    this.#image.getContext("2d")!.putImageData(pixels, 0, 0);
    return this.#image;
  }

  #positionAt(x: number, y: number): { row: number; column: number } {
    return {
      row: this.#part.top + (y - TOP) / this.#cell.height,
      column: this.#part.left + (x - LEFT) / this.#cell.width,
    };
  }

  #cellAt(x: number, y: number): { row: number; column: number } {
    const { row, column } = this.#positionAt(x, y);
    return { row: Math.floor(row), column: Math.floor(column) };
  }

  #readAt(at: { readonly row: number; readonly column: number } | undefined): void {
    const { top, left, bottom, right } = this.#part;
    const inside =
      at !== undefined && at.row >= top && at.row < bottom && at.column >= left && at.column < right;
    this.#at = inside ? at : undefined;
    this.read.emit(this.#at);
  }

  #moved({ offsetX, offsetY }: PointerEvent): void {
    if (this.#drag !== undefined) {
      this.#drag.toX = offsetX;
      this.#drag.toY = offsetY;
      this.#canvas.paintSoon();
    }
    this.#readAt(this.#cellAt(offsetX, offsetY));
  }

  #dropped(): void {
    const drag = this.#drag;
    this.#drag = undefined;
    if (drag === undefined) return;
    const { x, y, toX, toY } = drag;
    if (Math.abs(toX - x) < LEAST_DRAG || Math.abs(toY - y) < LEAST_DRAG) {
      this.#canvas.paintSoon();
      return;
    }
    const from = this.#cellAt(Math.min(x, toX), Math.min(y, toY));
    const to = this.#cellAt(Math.max(x, toX), Math.max(y, toY));
    this.zoom({ top: from.row, left: from.column, bottom: to.row + 1, right: to.column + 1 });
  }

  #pressed(event: KeyboardEvent): void {
    const { top, left } = this.#part;
    const { row, column } = this.#at ?? { row: top, column: left };
    const step = event.shiftKey ? 10 : 1;
    const { rows, columns } = this.#grid;
    const go = (down: number, across: number): void =>
      this.#readAt({
        row: Math.max(0, Math.min(rows - 1, row + down * step)),
        column: Math.max(0, Math.min(columns - 1, column + across * step)),
      });
    if (event.key === "+" || event.key === "-") this.zoomBy(event.key === "+" ? 0.5 : 2);
    else if (event.key === "ArrowDown") go(1, 0);
    else if (event.key === "ArrowUp") go(-1, 0);
    else if (event.key === "ArrowRight") go(0, 1);
    else if (event.key === "ArrowLeft") go(0, -1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** Tells where numbers are between the first color and the last, from 0 to 1. NaN: the number has no color. */
function scaleOf({ domain: [least, greatest], log }: Coloring): (value: number) => number {
  const position = (value: number): number => (!log ? value : value > 0 ? Math.log(value) : Number.NaN);
  const from = position(least);
  const range = position(greatest) - from;
  return (value) => {
    const at = position(value);
    if (!(range > 0)) return Number.isNaN(at) ? Number.NaN : 0.5;
    return Math.max(0, Math.min(1, (at - from) / range));
  };
}

import type { Archive, ByteRange } from "@peekpack/core";
import type { Traffic } from "../archive/traffic.js";
import { Canvas, type Paint } from "../plot/canvas.js";
import { count, share, size } from "../ui/format.js";

const CELL = 9;
const GAP = 2;
const PITCH = CELL + GAP;

/** The bytes of the object as cells: which were read, which are being requested, and where the chosen value is. */
export class ByteMap {
  readonly element: HTMLCanvasElement;
  readonly #canvas: Canvas;
  readonly #traffic: Traffic;
  readonly #unlisten: () => void;
  #toc: ByteRange | undefined;
  /** Whether offsets in the archive are offsets in the object. In a compressed object they are not. */
  #mapped = true;
  #highlight: ByteRange | undefined;

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
    this.#canvas = new Canvas("byte-map", (paint) => this.#paint(paint));
    this.element = this.#canvas.element;
    this.element.setAttribute("role", "img");
    this.element.addEventListener("pointermove", ({ offsetX, offsetY }) => this.#explain(offsetX, offsetY));
    this.#unlisten = traffic.changed.listen(() => {
      this.#canvas.paintSoon();
      this.element.setAttribute(
        "aria-label",
        `Byte map: ${size(traffic.fetched.bytes)} of ${size(traffic.size ?? 0)} were read`,
      );
    });
  }

  /** Marks the table of contents, unless the object is compressed. */
  set archive({ info }: Archive) {
    const end = info.offset + info.size;
    this.#mapped = end <= (this.#traffic.size ?? end);
    this.#toc = this.#mapped ? { start: end - info.tocBytes, end } : undefined;
    this.#canvas.paintSoon();
  }

  /** Marks the bytes of a value. */
  set highlight(range: ByteRange | undefined) {
    this.#highlight = this.#mapped ? range : undefined;
    this.#canvas.paintSoon();
  }

  close(): void {
    this.#unlisten();
    this.#canvas.close();
  }

  #layout(width: number, height: number): { columns: number; cells: number; bytes: number } {
    const columns = Math.max(1, Math.floor((width + GAP - 4) / PITCH));
    const rows = Math.max(1, Math.floor((height + GAP - 4) / PITCH));
    const whole = this.#traffic.size ?? 0;
    const cells = Math.max(1, Math.min(columns * rows, whole));
    return { columns, cells, bytes: whole / cells };
  }

  #paint({ context, width, height, color }: Paint): void {
    // Half a gap around, for the border of the highlight.
    context.translate(2, 2);
    const { fetched, cached, pending, size: whole } = this.#traffic;
    const { columns, cells, bytes } = this.#layout(width, height);
    const empty = color("--cell");
    const table = color("--cell-toc");
    const lit = color("--lit");
    const fromCache = color("--kept");
    const place = (cell: number): [number, number] => [
      (cell % columns) * PITCH,
      Math.floor(cell / columns) * PITCH,
    ];
    const draw = (cell: number, fill: string, alpha = 1): void => {
      const [x, y] = place(cell);
      context.globalAlpha = alpha;
      context.fillStyle = fill;
      context.beginPath();
      context.roundRect(x, y, CELL, CELL, 2);
      context.fill();
    };
    const cellsOf = ({ start, end }: ByteRange): [number, number] => [
      Math.max(0, Math.floor(start / bytes)),
      Math.min(cells, Math.max(Math.floor(start / bytes) + 1, Math.ceil(end / bytes))),
    ];
    const toc = this.#toc === undefined ? undefined : cellsOf(this.#toc);
    for (let cell = 0; cell < cells; cell++) {
      draw(cell, toc !== undefined && cell >= toc[0] && cell < toc[1] ? table : empty);
    }
    if (whole === undefined || whole === 0) {
      context.globalAlpha = 1;
      return;
    }
    for (const [set, fill] of [
      [cached, fromCache],
      [fetched, lit],
    ] as const) {
      const seen = new Set<number>();
      for (const range of set.ranges) {
        const [first, last] = cellsOf(range);
        for (let cell = first; cell < last; cell++) seen.add(cell);
      }
      for (const cell of seen) {
        const part = set.bytesWithin({ start: cell * bytes, end: (cell + 1) * bytes }) / bytes;
        // A single byte of a gigabyte must be visible.
        draw(cell, fill, 0.4 + 0.6 * Math.min(1, part));
      }
    }
    for (const { range, suffix } of pending.values()) {
      const wanted = range ?? (suffix === undefined ? undefined : { start: whole - suffix, end: whole });
      if (wanted === undefined) continue;
      const [first, last] = cellsOf(wanted);
      for (let cell = first; cell < last; cell++) draw(cell, color("--pending"));
    }
    context.globalAlpha = 1;
    const highlight = this.#highlight;
    if (highlight === undefined || highlight.end - highlight.start >= whole * 0.9) return;
    const [first, last] = cellsOf(highlight);
    context.fillStyle = color("--select");
    context.beginPath();
    outline(context, first, last, columns);
    context.fill();
    // Two borders, so that it is visible on lit cells too.
    for (const [width, name] of [
      [4, "--page"],
      [1.75, "--text"],
    ] as const) {
      context.strokeStyle = color(name);
      context.lineWidth = width;
      context.stroke();
    }
  }

  #explain(x: number, y: number): void {
    const { element } = this;
    const { columns, cells, bytes } = this.#layout(element.clientWidth, element.clientHeight);
    const cell = Math.floor(y / PITCH) * columns + Math.floor(x / PITCH);
    if (cell < 0 || cell >= cells || bytes === 0) {
      element.title = "";
      return;
    }
    const start = Math.floor(cell * bytes);
    const end = Math.ceil((cell + 1) * bytes);
    const read = this.#traffic.fetched.bytesWithin({ start, end });
    element.title = `Bytes ${count(start)} – ${count(end)}: ${read === 0 ? "never read" : `${share(read, end - start)} read`}`;
  }
}

/** Draws the border of consecutive cells that wrap into lines. */
function outline(context: CanvasRenderingContext2D, first: number, last: number, columns: number): void {
  const edge = (column: number): number => column * PITCH - GAP / 2;
  const row = (cell: number): number => Math.floor(cell / columns);
  const top = row(first);
  const bottom = row(last - 1);
  const from = first % columns;
  const to = ((last - 1) % columns) + 1;
  if (top === bottom || (bottom === top + 1 && to <= from)) {
    // In one line, or in two without common columns.
    context.roundRect(edge(from), edge(top), edge(top === bottom ? to : columns) - edge(from), PITCH, 3);
    if (top !== bottom) context.roundRect(edge(0), edge(bottom), edge(to) - edge(0), PITCH, 3);
    return;
  }
  context.moveTo(edge(from), edge(top));
  context.lineTo(edge(columns), edge(top));
  context.lineTo(edge(columns), edge(bottom));
  context.lineTo(edge(to), edge(bottom));
  context.lineTo(edge(to), edge(bottom + 1));
  context.lineTo(edge(0), edge(bottom + 1));
  context.lineTo(edge(0), edge(top + 1));
  context.lineTo(edge(from), edge(top + 1));
  context.closePath();
}

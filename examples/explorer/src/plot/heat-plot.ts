import { ticks } from "../numbers/axis.js";
import { Emitter } from "../ui/emitter.js";
import { measure } from "../ui/format.js";
import { Canvas } from "./canvas.js";

/** Numbers in rows and columns. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
  at(row: number, column: number): number;
}

const LEFT = 64;
const RIGHT = 96;
const TOP = 8;
const BOTTOM = 26;
const SCALE = 12;

/** The viridis scale: dark to bright, legible for color-blind people, the same in both themes. */
const STOPS = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
] as const;

/** Numbers in rows and columns as a heat map with square cells that fill the room. */
export class HeatPlot {
  readonly element: HTMLCanvasElement;
  /** The cell under the pointer. */
  readonly read: Emitter<{ readonly row: number; readonly column: number } | undefined> = new Emitter();
  readonly #canvas: Canvas;
  readonly #grid: Grid;
  #cell = 1;

  constructor(grid: Grid) {
    this.#grid = grid;
    const { rows, columns } = grid;
    const { image, least, greatest } = painted(grid);
    this.#canvas = new Canvas("heat-plot", ({ context, width, height, color }) => {
      const room = { width: width - LEFT - RIGHT, height: height - TOP - BOTTOM };
      // Long and thin grids are stretched, because square cells would be too small.
      const across = room.width / columns;
      const down = room.height / rows;
      const square = Math.min(across, down);
      const stretched = square * 4 < Math.max(across, down);
      const cell = { width: stretched ? across : square, height: stretched ? down : square };
      this.#cell = cell.width;
      this.#down = cell.height;
      const size = { width: cell.width * columns, height: cell.height * rows };
      context.imageSmoothingEnabled = cell.width < 1 || cell.height < 1;
      context.drawImage(image, LEFT, TOP, size.width, size.height);
      context.fillStyle = color("--muted");
      context.textAlign = "right";
      context.textBaseline = "middle";
      for (const mark of ticks(0, rows - 1, Math.max(2, size.height / 60))) {
        if (Number.isInteger(mark))
          context.fillText(String(mark), LEFT - 8, TOP + (mark + 0.5) * cell.height);
      }
      context.textAlign = "center";
      context.textBaseline = "alphabetic";
      for (const mark of ticks(0, columns - 1, Math.max(2, size.width / 80))) {
        if (Number.isInteger(mark)) {
          context.fillText(String(mark), LEFT + (mark + 0.5) * cell.width, TOP + size.height + 18);
        }
      }
      const left = LEFT + size.width + 16;
      for (let y = 0; y < size.height; y++) {
        const [red, green, blue] = colorAt(1 - y / size.height);
        context.fillStyle = `rgb(${red} ${green} ${blue})`;
        context.fillRect(left, TOP + y, SCALE, 1.5);
      }
      context.fillStyle = color("--muted");
      context.textAlign = "left";
      context.textBaseline = "middle";
      for (const mark of ticks(least, greatest, Math.max(2, size.height / 60))) {
        context.fillText(
          measure(mark),
          left + SCALE + 6,
          TOP + (1 - (mark - least) / (greatest - least)) * size.height,
        );
      }
    });
    this.element = this.#canvas.element;
    this.element.setAttribute("role", "img");
    this.element.setAttribute("aria-label", `${rows} rows of ${columns} numbers as a map of heat`);
    this.element.addEventListener("pointermove", ({ offsetX, offsetY }) => this.#moved(offsetX, offsetY));
    this.element.addEventListener("pointerleave", () => this.read.emit(undefined));
  }

  close(): void {
    this.#canvas.close();
  }

  #down = 1;

  #moved(x: number, y: number): void {
    const column = Math.floor((x - LEFT) / this.#cell);
    const row = Math.floor((y - TOP) / this.#down);
    const { rows, columns } = this.#grid;
    const inside = row >= 0 && row < rows && column >= 0 && column < columns;
    this.read.emit(inside ? { row, column } : undefined);
  }
}

/** The grid as an image with one pixel for each number, and the range of the numbers. */
function painted(grid: Grid): {
  readonly image: OffscreenCanvas;
  readonly least: number;
  readonly greatest: number;
} {
  const { rows, columns } = grid;
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  const each = (work: (value: number, pixel: number) => void): void => {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const value = grid.at(row, column);
        if (Number.isFinite(value)) work(value, row * columns + column);
      }
    }
  };
  each((value) => {
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  });
  const data = new ImageData(columns, rows);
  each((value, pixel) => {
    data.data.set(
      [...colorAt(greatest > least ? (value - least) / (greatest - least) : 0.5), 255],
      pixel * 4,
    );
  });
  const image = new OffscreenCanvas(columns, rows);
  image.getContext("2d")!.putImageData(data, 0, 0);
  return { image, least, greatest };
}

function colorAt(share: number): [number, number, number] {
  const place = Math.max(0, Math.min(1, share)) * (STOPS.length - 1);
  const at = Math.min(STOPS.length - 2, Math.floor(place));
  const [from, to] = [STOPS[at]!, STOPS[at + 1]!];
  return [0, 1, 2].map((i) => Math.round(from[i]! + (to[i]! - from[i]!) * (place - at))) as [
    number,
    number,
    number,
  ];
}

import { Canvas } from "./canvas.js";

/** Numbers in rows and columns. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
  at(row: number, column: number): number;
}

/** From dark to bright through blue, green and yellow: the same in both themes, and legible to the colour-blind (viridis). */
const STOPS = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
] as const;

/** Numbers in rows and columns as a map of heat. More rows than pixels are averaged by the browser. */
export function heatPlot(grid: Grid): Canvas {
  const image = new ImageData(grid.columns, grid.rows);
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < grid.rows; row++) {
    for (let column = 0; column < grid.columns; column++) {
      const value = grid.at(row, column);
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
  }
  for (let row = 0; row < grid.rows; row++) {
    for (let column = 0; column < grid.columns; column++) {
      const value = grid.at(row, column);
      if (Number.isFinite(value)) {
        const [red, green, blue] = colourAt(greatest > least ? (value - least) / (greatest - least) : 0.5);
        image.data.set([red, green, blue, 255], (row * grid.columns + column) * 4);
      }
    }
  }
  const small = new OffscreenCanvas(grid.columns, grid.rows);
  small.getContext("2d")!.putImageData(image, 0, 0);
  const canvas = new Canvas("heat-plot", ({ context, width, height }) => {
    context.imageSmoothingEnabled = grid.rows > height;
    const scale = Math.max(0.1, width / grid.columns);
    const tall = Math.min(height, grid.rows * scale);
    context.drawImage(small, 0, 0, width, tall);
  });
  canvas.element.setAttribute("role", "img");
  canvas.element.setAttribute("aria-label", `${grid.rows} rows of ${grid.columns} numbers as a map of heat`);
  return canvas;
}

function colourAt(share: number): [number, number, number] {
  const place = Math.max(0, Math.min(1, share)) * (STOPS.length - 1);
  const from = STOPS[Math.min(STOPS.length - 2, Math.floor(place))]!;
  const to = STOPS[Math.min(STOPS.length - 1, Math.floor(place) + 1)]!;
  const rest = place - Math.min(STOPS.length - 2, Math.floor(place));
  return [0, 1, 2].map((i) => from[i]! + (to[i]! - from[i]!) * rest) as [number, number, number];
}

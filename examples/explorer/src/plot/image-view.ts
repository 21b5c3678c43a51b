import { inSlices, STEP, type Steps } from "../numbers/steps.js";
import { colorScaleOf, fixedDimensions, type Grid, gridAt, type Tensor } from "../numbers/tensor.js";
import type { SharedView } from "../share/view-state.js";
import { el, fill } from "../ui/dom.js";
import { count } from "../ui/format.js";
import type { View } from "../value/view.js";
import { COLOR_MAPS, type ColorMapName, colorMap } from "./color-maps.js";
import { type Coloring, ImagePlot } from "./image-plot.js";
import { choice, logBox, pngButton, zoomButtons } from "./plot-controls.js";
import { SummaryFoot } from "./summary-terms.js";

/** Numbers of an image that are summarised. Of larger ones every n-th is. */
const SUMMARISED = 4_000_000;

/**
 * An array of at least two dimensions as an image, with sliders for the dimensions that are no axes.
 * @throws the signal's reason
 */
export async function imageView(tensor: Tensor, shared: SharedView, signal: AbortSignal): Promise<View> {
  const channelScale = await inSlices(colorScaleOf(tensor), signal);
  const isColor = channelScale !== undefined;
  const fixed = fixedDimensions(tensor, isColor);
  const { state } = shared;
  const at = Array.from({ length: fixed }, (_, i) => Math.min(state.at?.[i] ?? 0, tensor.shape[i]! - 1));
  let grid = gridAt(tensor, at, isColor);
  let range = await inSlices(rangeOf(grid), signal);
  let map: ColorMapName = COLOR_MAPS.find((name) => name === state.colors) ?? "viridis";
  let log = state.log ?? false;
  let domain = state.colorRange;

  const coloring = (): Coloring => {
    const [least, greatest] =
      domain ?? (log ? [range.leastPositive, range.greatest] : [range.least, range.greatest]);
    return { colors: colorMap(map), domain: [least, greatest], log, channelScale: channelScale ?? 1 };
  };
  const plot = new ImagePlot(grid, coloring());
  const foot = new SummaryFoot();
  const reading = el("p", { class: "plot-reading", attributes: { "aria-live": "polite" } });
  const note = el("p", { class: "plot-note hint", attributes: { role: "status" } });
  let working = new AbortController();
  let cell: { readonly row: number; readonly column: number } | undefined;

  function read(): void {
    if (cell === undefined) {
      const [across, down] = plot.sampling;
      const step = Math.max(across, down);
      fill(
        reading,
        el("span", { class: "hint", text: `${count(grid.rows)} rows, ${count(grid.columns)} columns` }),
      );
      note.textContent =
        step > 1.01
          ? `A pixel shows one of about ${count(Math.round(across * down))} cells. Zoom in to see each.`
          : "";
      return;
    }
    const { row, column } = cell;
    const value = Array.from({ length: grid.channels }, (_, channel) => grid.at(row, column, channel));
    fill(
      reading,
      el("span", { class: "reading-index", text: `row ${count(row)}, column ${count(column)}` }),
      el("span", {
        class: "reading-value series-0",
        text: value.map((number) => (Number.isNaN(number) ? "–" : String(number))).join(", "),
      }),
    );
  }

  function recolor(): void {
    plot.coloring = coloring();
    shared.update({
      colors: map === "viridis" ? undefined : map,
      log: log || undefined,
      colorRange: domain,
    });
  }

  /** Shows another image of the array. One that is on its way is given up. */
  function slide(): void {
    shared.update({ at: at.some((index) => index > 0) ? [...at] : undefined });
    const next = gridAt(tensor, at, isColor);
    working.abort();
    working = new AbortController();
    inSlices(rangeOf(next), working.signal).then(
      (nextRange) => {
        grid = next;
        range = nextRange;
        plot.grid = grid;
        plot.coloring = coloring();
        drawDomain();
        summarise();
        read();
      },
      () => {},
    );
  }

  function summarise(): void {
    inSlices(numbersOf(grid), working.signal).then(
      (values) => foot.show([{ from: 0, values }], 0),
      () => {},
    );
  }

  const bound = (label: string, which: 0 | 1): HTMLInputElement =>
    el("input", {
      class: "plot-number",
      attributes: { type: "number", step: "any", "aria-label": label },
      on: {
        change: ({ currentTarget }) => {
          const { value } = currentTarget as HTMLInputElement;
          const [least, greatest] = coloring().domain;
          const next = which === 0 ? [Number(value), greatest] : [least, Number(value)];
          domain = value === "" || !(next[0]! < next[1]!) ? undefined : [next[0]!, next[1]!];
          drawDomain();
          recolor();
        },
      },
    });
  const lower = bound("Value of the first color", 0);
  const upper = bound("Value of the last color", 1);
  function drawDomain(): void {
    const [least, greatest] = coloring().domain;
    lower.value = String(least);
    upper.value = String(greatest);
  }

  const sliders = at.map((index, i) => {
    const output = el("output", { text: `${count(index)} of ${count(tensor.shape[i]!)}` });
    const slider = el("input", {
      attributes: { type: "range", min: 0, max: tensor.shape[i]! - 1, value: index, step: 1 },
      on: {
        input: () => {
          at[i] = Number(slider.value);
          output.textContent = `${count(at[i]!)} of ${count(tensor.shape[i]!)}`;
          slide();
        },
      },
    });
    return el("label", "plot-slider", `Dimension ${i}`, slider, output);
  });

  plot.read.listen((next) => {
    cell = next;
    read();
  });
  plot.zoomed.listen(({ top, left, bottom, right }) => {
    const isWhole = top === 0 && left === 0 && bottom === grid.rows && right === grid.columns;
    shared.update({ x: isWhole ? undefined : [left, right], y: isWhole ? undefined : [top, bottom] });
    read();
  });
  if (state.x !== undefined && state.y !== undefined) {
    const { x, y } = state;
    requestAnimationFrame(() => plot.zoom({ left: x[0], right: x[1], top: y[0], bottom: y[1] }));
  }
  drawDomain();
  read();
  // The sampling is known once it was painted.
  requestAnimationFrame(() => requestAnimationFrame(read));
  summarise();
  const element = el(
    "div",
    "plot-view",
    el("div", "plot-head", reading),
    el(
      "div",
      { class: "plot-controls", attributes: { role: "group", "aria-label": "Plot" } },
      ...sliders,
      ...(isColor
        ? []
        : [
            choice(
              "Colors",
              COLOR_MAPS.map((value) => ({ value, text: value })),
              map,
              (name) => {
                map = name as ColorMapName;
                recolor();
              },
            ),
            el("span", "plot-domain", "from ", lower, " to ", upper),
            logBox(log, (checked) => {
              log = checked;
              domain = undefined;
              drawDomain();
              recolor();
            }),
          ]),
      ...zoomButtons(plot),
      pngButton(() => plot.element, "image"),
    ),
    el("figure", "plot-figure", plot.element),
    note,
    foot.element,
  );
  return {
    element,
    close() {
      working.abort();
      plot.close();
      foot.close();
    },
  };
}

/** The numbers of an image; of a large one every n-th, so that the step crosses the columns. */
function* numbersOf({ rows, columns, channels, at }: Grid): Steps<Float64Array> {
  const all = rows * columns * channels;
  const step = Math.ceil(all / SUMMARISED);
  const numbers = new Float64Array(Math.floor((all + step - 1) / step));
  for (let i = 0; i < numbers.length; i++) {
    if (i % STEP === STEP - 1) yield;
    const place = i * step;
    const cell = Math.floor(place / channels);
    numbers[i] = at(Math.floor(cell / columns), cell % columns, place % channels);
  }
  return numbers;
}

/** The smallest and the largest number, and the smallest one above 0. */
function* rangeOf({ rows, columns, at, channels }: Grid): Steps<{
  readonly least: number;
  readonly greatest: number;
  readonly leastPositive: number;
}> {
  if (channels > 1) return { least: 0, greatest: 1, leastPositive: 1 };
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  let leastPositive = Number.POSITIVE_INFINITY;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if ((row * columns + column) % STEP === STEP - 1) yield;
      const value = at(row, column);
      if (!Number.isFinite(value)) continue;
      if (value < least) least = value;
      if (value > greatest) greatest = value;
      if (value > 0 && value < leastPositive) leastPositive = value;
    }
  }
  return least > greatest ? { least: 0, greatest: 1, leastPositive: 1 } : { least, greatest, leastPositive };
}

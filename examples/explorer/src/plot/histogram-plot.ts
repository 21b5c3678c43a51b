import { ticks } from "../numbers/axis.js";
import type { Histogram } from "../numbers/histogram.js";
import { count, measure } from "../ui/format.js";
import { Canvas } from "./canvas.js";

const LEFT = 64;
const RIGHT = 16;
const TOP = 10;
const BOTTOM = 26;

/** A histogram of the numbers of a column. */
export function histogramPlot(
  shown: () => { readonly histogram: Histogram; readonly index: number } | undefined,
): Canvas {
  const canvas = new Canvas("histogram-plot", ({ context, width, height, color }) => {
    const drawn = shown();
    if (drawn === undefined) return;
    const { index } = drawn;
    const { edges, counts } = drawn.histogram;
    const bins = counts.length;
    if (bins === 0) return;
    const most = Math.max(...counts);
    const inner = Math.max(1, width - LEFT - RIGHT);
    const bottom = height - BOTTOM;
    const least = edges[0]!;
    const greatest = edges[bins]!;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const mark of ticks(0, most, Math.max(1, height / 50))) {
      if (!Number.isInteger(mark)) continue;
      const at = Math.round(bottom - (mark / most) * (bottom - TOP)) + 0.5;
      context.strokeStyle = color("--grid");
      context.beginPath();
      context.moveTo(LEFT, at);
      context.lineTo(width - RIGHT, at);
      context.stroke();
      context.fillStyle = color("--muted");
      context.fillText(count(mark), LEFT - 8, at);
    }
    context.fillStyle = color(`--series-${index % 8}`);
    const gap = inner / bins > 6 ? 1.5 : 0.5;
    for (let bin = 0; bin < bins; bin++) {
      const tall = (counts[bin]! / most) * (bottom - TOP);
      if (tall > 0) {
        context.globalAlpha = 0.85;
        context.fillRect(
          LEFT + (bin / bins) * inner,
          bottom - Math.max(1, tall),
          inner / bins - gap,
          Math.max(1, tall),
        );
      }
    }
    context.globalAlpha = 1;
    context.textBaseline = "alphabetic";
    context.textAlign = "center";
    context.fillStyle = color("--muted");
    for (const mark of ticks(least, greatest, Math.max(2, inner / 110))) {
      context.fillText(measure(mark), LEFT + ((mark - least) / (greatest - least)) * inner, height - 8);
    }
  });
  canvas.element.setAttribute("role", "img");
  canvas.element.setAttribute("aria-label", "Histogram");
  return canvas;
}

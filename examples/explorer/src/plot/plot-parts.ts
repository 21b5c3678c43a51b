import type uPlot from "uplot";
import { styleValue } from "../ui/dom.js";

/** What a click moves by is no drag. In pixels. */
export const LEAST_DRAG = 6;

/** Gives a color of the page's style when the plot asks for it. */
export function colorsOf(element: HTMLElement): (name: `--${string}`) => () => string {
  return (name) => () => styleValue(element, name);
}

/** An axis in the page's style. */
export function axisOf(element: HTMLElement): uPlot.Axis {
  const color = colorsOf(element);
  return {
    stroke: color("--muted"),
    font: `11px ${styleValue(element, "--mono")}`,
    grid: { stroke: color("--grid"), width: 1 },
    ticks: { show: false },
  };
}

/**
 * A cursor that selects by dragging. A double click shows all.
 * @param y whether it has a position on the vertical axis, and selects a part of that too
 * @param plot `byTouch`: whether the last pointer was a finger, whose reading stays
 */
export function selectingCursor(y: boolean, plot: { byTouch(): boolean; showAll(): void }): uPlot.Cursor {
  return {
    ...(y ? {} : { y }),
    drag: { x: true, y, setScale: false, dist: LEAST_DRAG },
    points: { show: false },
    bind: {
      mouseleave: (_plot, _element, leave) => (event) => {
        if (!plot.byTouch()) leave(event);
        return null;
      },
      dblclick: () => () => {
        plot.showAll();
        return null;
      },
    },
  };
}

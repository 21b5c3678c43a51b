import { svg } from "@peekpack/explorer/ui/dom";

/** Paths of icons on a grid of 16 × 16, drawn with a line. */
const PATHS = {
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.2v9.6L12.5 8z",
  later: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.5V8l2.5 1.8",
  discard: "M3 4.5h10M6 4.5v-2h4v2M4.5 4.500l.6 9h5.8l.6-9M6.700 7v4M9.300 7v4",
  up: "M8 12.5v-9M4.500 7 8 3.5 11.5 7M3 13.500h10",
  done: "M3 8.500 6.500 12 13 4.500",
} as const;

export type IconName = keyof typeof PATHS;

/** An icon, hidden from assistive technology: the button around it has the name. */
export function icon(name: IconName): SVGSVGElement {
  return svg(
    "svg",
    { viewBox: "0 0 16 16", class: `icon icon-${name}`, "aria-hidden": "true" },
    svg("path", { d: PATHS[name] }),
  );
}

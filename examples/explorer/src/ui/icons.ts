import { svg } from "./dom.js";

/** Paths of icons on a grid of 16 × 16, drawn with a line. */
const PATHS = {
  chevron: "M6 3.5 10.5 8 6 12.5",
  copy: "M5.5 5.5h7v7h-7zM10.5 5.5v-2h-7v7h2",
  link: "M6.5 9.5l3-3M7 4.5l1.2-1.2a3 3 0 0 1 4.3 4.3L11.2 9M9 11.5l-1.2 1.2a3 3 0 0 1-4.3-4.3L4.8 7",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  moon: "M13.5 9.8A5.8 5.8 0 0 1 6.2 2.5a5.8 5.8 0 1 0 7.3 7.3z",
  half: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 2v12M8 5h4.5M8 8h6M8 11h4.5",
  download: "M8 2.5v7.5M4.5 7 8 10.500 11.500 7M3 13.500h10",
  close: "M4 4l8 8M12 4l-8 8",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3 14 14",
  stop: "M4.5 4.5h7v7h-7z",
  open: "M2.5 12.5v-9h4l1.5 2h5.5v7z",
  file: "M4 2.5h5l3 3v8H4zM9 2.5v3h3",
  globe:
    "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM2 8h12M8 2c2 2 2.5 4 2.5 6S10 12 8 14C6 12 5.5 10 5.5 8S6 4 8 2z",
  bucket:
    "M2.5 4.500c0-1.1 2.5-2 5.5-2s5.5.9 5.5 2-2.5 2-5.5 2-5.5-.9-5.5-2zM2.5 4.5 4 12.500c.3.8 2 1.3 4 1.300s3.7-.5 4-1.300l1.5-8",
  spark: "M2 12.5 5.5 8l2.5 2.500L14 3.500M10.5 3.500H14V7",
  rows: "M2.5 3.500h11v9h-11zM2.5 6.500h11M6.5 6.500v6",
  text: "M3 4h10M3 8h7M3 12h9",
  back: "M9.5 3.5 5 8l4.5 4.5",
  up: "M8 13V3.5M4 7l4-4 4 4",
  down: "M8 3v9.5M4 9l4 4 4-4",
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

/** The mark of peekpack: a row of blocks, one of which is lit. */
export function mark(): SVGSVGElement {
  return svg(
    "svg",
    { viewBox: "0 0 24 24", class: "mark", "aria-hidden": "true" },
    ...[0, 1, 2].flatMap((row) =>
      [0, 1, 2].map((column) =>
        svg("rect", {
          x: 2 + column * 7.2,
          y: 2 + row * 7.2,
          width: 5.6,
          height: 5.6,
          rx: 1.4,
          class: row === 1 && column === 2 ? "lit" : "",
        }),
      ),
    ),
  );
}

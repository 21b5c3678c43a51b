import { Canvas } from "@peekpack/explorer/plot/canvas";

const GAP = 4;
const LEAST_PITCH = 15;

/** How much of an archive was written and uploaded, as shares from 0 to 1. */
export interface Flow {
  /** Written. */
  readonly made: number;
  /** Uploaded. */
  readonly up: number;
}

/**
 * The archive as a field of cells. Uploaded cells are lit, cells in the browser's storage have another color, the rest was
 * not written yet. The bars beside it say the same in words.
 */
export function flowField(rows: number): {
  readonly element: HTMLElement;
  show(flow: Flow): void;
  close(): void;
} {
  let flow: Flow = { made: 0, up: 0 };
  const canvas = new Canvas("flow-field", ({ context, width, height, color }) => {
    const pitch = Math.max(LEAST_PITCH, (height + GAP) / rows);
    const columns = Math.max(1, Math.floor((width + GAP) / pitch));
    const lines = Math.max(1, Math.floor((height + GAP) / pitch));
    const across = (width + GAP) / columns;
    const cells = columns * lines;
    for (let cell = 0; cell < cells; cell++) {
      // Column by column, from left to right, like a bar.
      const x = Math.floor(cell / lines) * across;
      const y = (cell % lines) * pitch;
      const draw = (name: `--${string}`, alpha: number): void => {
        context.fillStyle = color(name);
        context.globalAlpha = alpha;
        context.beginPath();
        context.roundRect(x, y, across - GAP, pitch - GAP, 3);
        context.fill();
      };
      const of = (share: number): number => Math.min(1, Math.max(0, share * cells - cell));
      draw("--cell", 1);
      if (of(flow.made) > 0) draw("--kept", of(flow.made));
      if (of(flow.up) > 0) draw("--lit", of(flow.up));
    }
    context.globalAlpha = 1;
  });
  canvas.element.setAttribute("aria-hidden", "true");
  return {
    element: canvas.element,
    show(next) {
      if (next.made === flow.made && next.up === flow.up) return;
      flow = next;
      canvas.paintSoon();
    },
    close: () => canvas.close(),
  };
}

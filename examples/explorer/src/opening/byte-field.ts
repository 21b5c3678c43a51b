import { Canvas } from "../plot/canvas.js";

const CELL = 13;
const GAP = 4;
const PITCH = CELL + GAP;
const LIT = 5;
const STEP_MS = 1100;

/** Decoration: a field of cells of which a few are lit, as if kilobytes of forty gigabytes were read. */
export function byteField(): { readonly element: HTMLElement; close(): void } {
  /** Positions of the lit cells, from 0 to 1, the newest last. */
  const lit = [0.13, 0.31, 0.47, 0.72, 0.995];
  const canvas = new Canvas("byte-field", ({ context, width, height, color }) => {
    const columns = Math.ceil(width / PITCH);
    const rows = Math.ceil(height / PITCH);
    const cells = columns * rows;
    const ages = new Map(lit.map((position, age) => [Math.floor(position * cells), (age + 1) / lit.length]));
    for (let cell = 0; cell < cells; cell++) {
      const age = ages.get(cell);
      context.fillStyle = age === undefined ? color("--cell") : color("--lit");
      context.globalAlpha = age === undefined ? 1 : 0.35 + 0.65 * age;
      context.beginPath();
      context.roundRect((cell % columns) * PITCH, Math.floor(cell / columns) * PITCH, CELL, CELL, 3);
      context.fill();
    }
    context.globalAlpha = 1;
  });
  canvas.element.setAttribute("aria-hidden", "true");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const timer = still
    ? undefined
    : setInterval(() => {
        lit.push(Math.random());
        if (lit.length > LIT) lit.shift();
        canvas.paintSoon();
      }, STEP_MS);
  return {
    element: canvas.element,
    close() {
      clearInterval(timer);
      canvas.close();
    },
  };
}

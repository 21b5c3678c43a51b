import { el } from "./dom.js";

const LEAST = 18;
const MOST = 75;
const STEP = 2;

/** A bar between two panes, moved by pointer or arrow keys. Sets `--split` of `box`, in percent of its width. */
export function splitter(box: HTMLElement, label: string, start: number): HTMLElement {
  let share = start;
  const bar = el("div", {
    class: "splitter",
    attributes: {
      role: "separator",
      tabindex: 0,
      "aria-orientation": "vertical",
      "aria-label": label,
      "aria-valuemin": LEAST,
      "aria-valuemax": MOST,
    },
    on: {
      pointerdown(event) {
        bar.setPointerCapture(event.pointerId);
        event.preventDefault();
      },
      pointermove(event) {
        if (!bar.hasPointerCapture(event.pointerId)) return;
        const { left, width } = box.getBoundingClientRect();
        put(((event.clientX - left) / width) * 100);
      },
      keydown(event) {
        const step = event.key === "ArrowRight" ? STEP : event.key === "ArrowLeft" ? -STEP : 0;
        if (step === 0) return;
        put(share + step);
        event.preventDefault();
      },
      dblclick: () => put(start),
    },
  });
  function put(value: number): void {
    share = Math.max(LEAST, Math.min(MOST, value));
    box.style.setProperty("--split", `${share}%`);
    bar.setAttribute("aria-valuenow", String(Math.round(share)));
  }
  put(start);
  return bar;
}

import type { KeptRanges } from "../archive/kept-ranges.js";
import { el, fill } from "../ui/dom.js";
import { size } from "../ui/format.js";

/** Asks whether what is read may be kept in the browser, and offers to forget what is. */
export function keptLine(kept: KeptRanges): HTMLElement {
  const box = el("input", {
    attributes: { type: "checkbox", checked: kept.wanted },
    on: {
      change: () => {
        kept.wanted = box.checked;
      },
    },
  });
  const now = el("span", "kept-now");
  const show = async (): Promise<void> => {
    const bytes = await kept.size();
    fill(
      now,
      bytes > 0 && `${size(bytes)} so far. `,
      bytes > 0 &&
        el("button", {
          class: "text-button",
          text: "Forget",
          attributes: { type: "button", "aria-label": "Forget all that is kept" },
          on: { click: () => void kept.forget().then(show, () => {}) },
        }),
    );
  };
  // Without a cache there is nothing to say.
  show().catch(() => {});
  return el("div", "kept-line", el("label", {}, box, "Keep what is read in this browser for next time"), now);
}

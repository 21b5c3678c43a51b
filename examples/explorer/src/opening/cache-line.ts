import type { BrowserCache } from "../archive/browser-cache.js";
import { el, fill } from "../ui/dom.js";
import { size } from "../ui/format.js";

/** A checkbox for the browser cache, and a button to clear it. */
export function cacheLine(cache: BrowserCache): HTMLElement {
  const box = el("input", {
    attributes: { type: "checkbox", checked: cache.enabled },
    on: {
      change: () => {
        cache.enabled = box.checked;
      },
    },
  });
  const used = el("span", "cache-used");
  const show = async (): Promise<void> => {
    const bytes = await cache.size();
    fill(
      used,
      bytes > 0 && `${size(bytes)} so far. `,
      bytes > 0 &&
        el("button", {
          class: "text-button",
          text: "Clear",
          attributes: { type: "button", "aria-label": "Clear the cache" },
          on: { click: () => void cache.clear().then(show, () => {}) },
        }),
    );
  };
  // Without a cache there is nothing to show.
  show().catch(() => {});
  return el(
    "div",
    "cache-line",
    el("label", {}, box, "Keep what is read in this browser for the next visit"),
    used,
  );
}

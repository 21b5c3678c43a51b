import { el, setAttributes } from "@peekpack/explorer/ui/dom";

/** A progress bar with its name on the left and a value on the right. */
export class ProgressBar {
  readonly element: HTMLElement;
  readonly #fill: HTMLElement = el("span", "progress-fill");
  readonly #text: HTMLElement = el("span", "progress-text");
  readonly #bar: HTMLElement;

  constructor(name: string, look: "kept" | "lit") {
    this.#bar = el(
      "div",
      {
        class: `progress ${look}`,
        attributes: { role: "progressbar", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 100 },
      },
      this.#fill,
    );
    this.element = el(
      "div",
      "progress-row",
      el("span", { class: "progress-name", text: name, attributes: { "aria-hidden": "true" } }),
      this.#text,
      this.#bar,
    );
  }

  /** Shows a share from 0 to 1. Undefined: not known. */
  show(share: number | undefined, text: string): void {
    const percent = share === undefined ? undefined : Math.min(100, Math.max(0, share * 100));
    this.#text.textContent = text;
    this.#fill.style.setProperty("--share", `${percent ?? 0}%`);
    setAttributes(this.#bar, {
      "aria-valuenow": percent === undefined ? undefined : Math.floor(percent),
      "aria-valuetext": text,
    });
  }
}

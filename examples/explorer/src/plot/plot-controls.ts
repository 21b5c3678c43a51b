import { saveBlob } from "../download/save-blob.js";
import { el } from "../ui/dom.js";

/** A button of a plot. */
export function plotButton(text: string, label: string, act: () => void): HTMLButtonElement {
  return el("button", {
    class: "plot-button",
    text,
    attributes: { type: "button", title: label, "aria-label": label },
    on: { click: act },
  });
}

/** Buttons that zoom. Fingers and keyboards have them as the mouse has a drag. */
export function zoomButtons(plot: { zoomBy(factor: number): void; showAll(): void }): HTMLElement[] {
  return [
    plotButton("+", "Zoom in", () => plot.zoomBy(0.5)),
    plotButton("−", "Zoom out", () => plot.zoomBy(2)),
    plotButton("All", "Show all", () => plot.showAll()),
  ];
}

/** A checkbox for a logarithmic scale. */
export function logBox(checked: boolean, change: (log: boolean) => void): HTMLElement {
  const box = el("input", {
    attributes: { type: "checkbox", checked },
    on: { change: () => change(box.checked) },
  });
  return el("label", "plot-check", box, "Log scale");
}

/** A choice from a list. */
export function choice(
  label: string,
  options: readonly { readonly value: string; readonly text: string }[],
  chosen: string,
  change: (value: string) => void,
): HTMLElement {
  const select = el(
    "select",
    { class: "plot-select", on: { change: () => change(select.value) } },
    ...options.map(({ value, text }) =>
      el("option", { text, attributes: { value, selected: value === chosen } }),
    ),
  );
  return el("label", "plot-choice", label, select);
}

/** A button that saves what a canvas shows as a PNG, on the page's background. */
export function pngButton(canvas: () => HTMLCanvasElement | undefined, name: string): HTMLElement {
  return plotButton("PNG", "Save the plot as PNG", () => {
    const source = canvas();
    if (source === undefined) return;
    const copy = new OffscreenCanvas(source.width, source.height);
    const context = copy.getContext("2d")!;
    context.fillStyle = getComputedStyle(source).getPropertyValue("--panel");
    context.fillRect(0, 0, copy.width, copy.height);
    context.drawImage(source, 0, 0);
    void copy.convertToBlob({ type: "image/png" }).then((blob) => saveBlob(blob, `${name}.png`));
  });
}

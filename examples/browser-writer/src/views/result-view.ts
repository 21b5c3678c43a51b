import type { Value } from "@peekpack/core";
import { el, fill, svg } from "@peekpack/explorer/ui/dom";
import { count, counted, duration, share, size } from "@peekpack/explorer/ui/format";
import { busyNotice, failureNotice } from "@peekpack/explorer/ui/notice";
import type { OpenDestination } from "../destination/destination.js";
import { openInExplorer } from "../destination/hand-over.js";
import { findService, OWN_SERVICE } from "../destination/signing-service.js";
import { failureOf } from "../write/failure.js";
import { type ReadBack, readBack, samplePath } from "../write/read-back.js";

const MAX_TEXT = 2000;
const MIN_PLOT = 8;
/** Width of the strip in its own units. */
const STRIP = 1000;
/** Minimum width of a range in the strip. */
const MIN_SPAN = 3;

/** Shows one value of the finished archive, read back by ranges, and what it cost. */
export class ResultView {
  readonly element: HTMLElement;
  readonly #destination: OpenDestination;
  readonly #link: HTMLElement = el("span", "result-link");
  readonly #path: HTMLInputElement;
  readonly #offer: HTMLElement = el("p", "hint");
  readonly #read: HTMLElement = el("div", { class: "read-back", attributes: { "aria-live": "polite" } });

  constructor(destination: OpenDestination, say: (text: string) => void) {
    this.#destination = destination;
    this.#path = el("input", {
      class: "field",
      attributes: {
        type: "text",
        name: "read-path",
        "aria-label": "Path of the value",
        spellcheck: "false",
        autocapitalize: "off",
        autocomplete: "off",
        placeholder: "frames/12/spectrum",
      },
    });
    this.element = el(
      "section",
      { class: "card result", attributes: { "aria-labelledby": "result-title" } },
      el(
        "div",
        "result-head",
        el("h2", { text: "One value, read back", attributes: { id: "result-title" } }),
        this.#link,
      ),
      el(
        "form",
        {
          class: "result-form",
          on: {
            submit: (event) => {
              event.preventDefault();
              void this.#show(this.#path.value.trim());
            },
          },
        },
        this.#path,
        el("button", { class: "button", text: "Read", attributes: { type: "submit" } }),
      ),
      this.#offer,
      this.#read,
    );
    void this.#offerLink(say);
    void this.#begin();
  }

  async #offerLink(say: (text: string) => void): Promise<void> {
    try {
      const [url, service] = await Promise.all([this.#destination.link(), findService(OWN_SERVICE)]);
      const explorer = service?.explorer;
      fill(
        this.#link,
        explorer !== undefined &&
          el("button", {
            class: "button primary",
            text: "Open in the explorer",
            attributes: { type: "button" },
            on: { click: () => openInExplorer(explorer, () => this.#destination.link()) },
          }),
        el("a", {
          class: "text-button",
          text: "The archive on S3",
          attributes: { href: url, target: "_blank", rel: "noreferrer", title: "Valid for an hour" },
        }),
        el("button", {
          class: "text-button",
          text: "Copy its address",
          attributes: { type: "button", title: "For the explorer, or any other reader. Valid for an hour" },
          on: {
            click: () =>
              void navigator.clipboard.writeText(url).then(
                () => say("Copied. Valid for an hour"),
                () => say("The browser did not allow copying"),
              ),
          },
        }),
      );
    } catch {
      // Writing may be allowed without reading. The object exists all the same.
      fill(this.#link, el("span", { class: "hint", text: "No link: reading is not allowed." }));
    }
  }

  async #begin(): Promise<void> {
    fill(this.#read, busyNotice("Choosing a value …"));
    try {
      const path = await samplePath(this.#destination.source());
      this.#path.value = path;
      await this.#show(path);
    } catch (error) {
      fill(this.#read, failureNotice(failureOf(error)));
    }
  }

  /** Generated data have an image too. */
  #offerMore(path: string): void {
    const [, frame, part] = /^(frames\/\d+)\/(spectrum|pixels)$/.exec(path) ?? [];
    fill(this.#offer);
    if (frame === undefined) return;
    const image = part === "pixels";
    const other = image ? "spectrum" : "pixels";
    fill(
      this.#offer,
      `The ${image ? "image" : "spectrum"} of one frame, which has `,
      el("button", {
        class: "text-button",
        text: image ? "a spectrum" : "an image",
        attributes: { type: "button" },
        on: {
          click: () => {
            this.#path.value = `${frame}/${other}`;
            void this.#show(this.#path.value);
          },
        },
      }),
      " as well.",
    );
  }

  async #show(path: string): Promise<void> {
    this.#offerMore(path);
    fill(this.#read, busyNotice("Reading …"));
    try {
      const found = await readBack(this.#destination.source(), path);
      fill(this.#read, costOf(found), stripOf(found), shownValue(found.value));
    } catch (error) {
      fill(this.#read, failureNotice(failureOf(error)));
    }
  }
}

function costOf({ requests, bytes, whole, ms }: ReadBack): HTMLElement {
  return el(
    "p",
    "cost",
    el("strong", { text: size(bytes) }),
    ` of ${size(whole)} (${share(bytes, whole)}) in ${counted(requests, "request")} and ${duration(ms)}: header, table of contents, and the value.`,
  );
}

/** The archive as a strip, with the ranges that were read. */
function stripOf({ ranges, whole }: ReadBack): SVGSVGElement {
  const strip = svg("svg", {
    class: "strip",
    viewBox: `0 0 ${STRIP} 10`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": "Which bytes of the archive were read",
  });
  for (const { start, end } of ranges) {
    const width = Math.max(MIN_SPAN, ((end - start) / whole) * STRIP);
    const x = Math.min(STRIP - width, (start / whole) * STRIP);
    strip.append(svg("rect", { x, y: 0, width, height: 10 }));
  }
  return strip;
}

/** Shows numbers as a line, a square of bytes as an image, anything else as text. */
function shownValue(value: Value): HTMLElement {
  if (Array.isArray(value) && value.length >= MIN_PLOT && value.every((item) => typeof item === "number")) {
    return lineOf(value as number[]);
  }
  if (value instanceof Uint8Array && value.length > 0 && Number.isInteger(Math.sqrt(value.length))) {
    return imageOf(value);
  }
  const text = textOf(value);
  const cut = text.length > MAX_TEXT;
  return el(
    "pre",
    { class: "value-text", attributes: { tabindex: 0, "aria-label": "The value" } },
    cut ? `${text.slice(0, MAX_TEXT)} …` : text,
  );
}

function lineOf(numbers: readonly number[]): HTMLElement {
  const [min, max] = [Math.min(...numbers), Math.max(...numbers)];
  const height = 100;
  const points = numbers.map((number, i) => {
    const x = (i / (numbers.length - 1)) * STRIP;
    const y = height - 4 - ((number - min) / (max - min || 1)) * (height - 8);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  const text = `${count(numbers.length)} numbers, from ${min.toPrecision(3)} to ${max.toPrecision(3)}`;
  return el(
    "figure",
    "value-plot",
    svg(
      "svg",
      {
        viewBox: `0 0 ${STRIP} ${height}`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": `Line of ${text}`,
      },
      svg("polyline", { points: points.join(" ") }),
    ),
    el("figcaption", { class: "hint", text }),
  );
}

function imageOf(bytes: Uint8Array): HTMLElement {
  const side = Math.sqrt(bytes.length);
  const canvas = el("canvas", {
    class: "value-image",
    attributes: {
      width: side,
      height: side,
      role: "img",
      "aria-label": `Image of ${side} by ${side} pixels`,
    },
  });
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(side, side);
  for (const [i, gray] of bytes.entries()) image.data.set([gray, gray, gray, 255], i * 4);
  context.putImageData(image, 0, 0);
  return el(
    "figure",
    "value-plot",
    canvas,
    el("figcaption", { class: "hint", text: `${side} × ${side} pixels, ${size(bytes.length)}` }),
  );
}

function textOf(value: Value): string {
  const shown = JSON.stringify(
    value,
    (_, item: unknown) => {
      if (typeof item === "bigint") return String(item);
      if (item instanceof Uint8Array) return `${item.length} bytes`;
      return item instanceof Map ? Object.fromEntries(item) : item;
    },
    2,
  );
  return shown ?? String(value);
}

import { el, fill } from "@peekpack/explorer/ui/dom";
import { count, size } from "@peekpack/explorer/ui/format";
import { icon } from "@peekpack/explorer/ui/icons";
import { tabs } from "@peekpack/explorer/ui/tabs";
import type { Data } from "../data/data.js";
import { fileData, fileKind } from "../data/file.js";
import { framesFor, skySurvey } from "../data/sky.js";

type Method = "made" | "file";

const METHODS = [
  { name: "made", label: "Generated" },
  { name: "file", label: "File" },
] as const satisfies readonly { name: Method; label: string }[];

const MiB = 2 ** 20;
const MIN_POWER = 4;
/** 16 MiB to 8 GiB, doubled at each step. */
const SIZES = Array.from({ length: 10 }, (_, step) => 2 ** (MIN_POWER + step) * MiB);
const FIRST = 4;

/** The form for the data to write. */
export class DataChoice {
  readonly element: HTMLElement;
  /** Called when the choice changes. */
  onChange: () => void = () => {};
  readonly #panel: HTMLElement = el("div", "choice-panel");
  readonly #switch: HTMLElement = el("div");
  readonly #notice: HTMLElement = el("p", { class: "wrong", attributes: { role: "alert" } });
  readonly #slider: HTMLInputElement;
  readonly #sizeText: HTMLElement = el("output", "made-size");
  readonly #detail: HTMLElement = el("p", "hint");
  #method: Method = "made";
  #file: File | undefined;

  constructor() {
    this.#slider = el("input", {
      class: "slider",
      attributes: {
        type: "range",
        name: "size",
        min: 0,
        max: SIZES.length - 1,
        value: FIRST,
        "aria-label": "Size of the archive",
      },
      on: { input: () => this.#resized() },
    });
    this.#resized();
    this.element = el(
      "section",
      { class: "step", attributes: { "aria-label": "What is written" } },
      el("h2", { class: "step-name", text: "What" }),
      this.#switch,
      this.#panel,
      this.#notice,
    );
    this.#show("made");
  }

  /** Estimated size of the archive, if it is known. */
  get expectedSize(): number | undefined {
    return this.#method === "made" ? this.#bytes : this.#file?.size;
  }

  /** A name for the object, without extension. */
  get suggestedName(): string {
    if (this.#method === "made") return "night-sky";
    const bare = this.#file?.name.replace(/\.[^.]*$/, "").replace(/[^\w.-]+/g, "-");
    return bare || "archive";
  }

  /** The chosen data. If there is none, shows a message and returns undefined. */
  take(): Data | undefined {
    if (this.#method === "made") return skySurvey(this.#bytes);
    const kind = this.#file && fileKind(this.#file.name);
    if (this.#file !== undefined && kind !== undefined) return fileData(this.#file, kind);
    this.#notice.textContent ||= "Choose a file first.";
    this.#panel.querySelector("input")?.focus();
    return undefined;
  }

  /** Chooses a file that was selected or dropped. */
  takeFile(file: File): void {
    this.#file = file;
    this.#show("file");
    this.#notice.textContent =
      fileKind(file.name) === undefined
        ? `${file.name}: this page reads .json, .ndjson, .jsonl, .csv and .tsv.`
        : "";
    this.onChange();
  }

  get #bytes(): number {
    return SIZES[Number(this.#slider.value)]!;
  }

  #resized(): void {
    const bytes = this.#bytes;
    const text = bytes >= 2 ** 30 ? `${bytes / 2 ** 30} GiB` : `${bytes / MiB} MiB`;
    this.#sizeText.textContent = text;
    this.#slider.setAttribute("aria-valuetext", text);
    this.#detail.textContent = `${count(framesFor(bytes))} frames of a generated sky, each with an image and a spectrum, generated while they are written.`;
    this.onChange();
  }

  #show(method: Method): void {
    fill(
      this.#switch,
      tabs("What is written", METHODS, method, (name) => this.#draw(name)),
    );
    this.#draw(method);
  }

  #draw(method: Method): void {
    this.#method = method;
    this.#notice.textContent = "";
    if (method === "made") {
      fill(this.#panel, el("div", "made-line", this.#slider, this.#sizeText), this.#detail);
    } else {
      fill(this.#panel, this.#drop());
    }
    this.onChange();
  }

  #drop(): HTMLElement {
    const input = el("input", {
      class: "file-input",
      attributes: {
        type: "file",
        name: "file",
        accept: ".json,.geojson,.ndjson,.jsonl,.csv,.tsv",
        "aria-label": "File to write",
      },
      on: {
        change: () => {
          const file = input.files?.[0];
          if (file !== undefined) this.takeFile(file);
        },
      },
    });
    const file = this.#file;
    return el(
      "label",
      "drop",
      icon("file"),
      el(
        "span",
        "drop-text",
        file === undefined
          ? "Drop a file anywhere on this page, or "
          : `${file.name}, ${size(file.size)}. Drop or `,
        el("span", { class: "as-link", text: file === undefined ? "choose one" : "choose another" }),
      ),
      el("span", {
        class: "hint",
        text: "JSON, or NDJSON and CSV of any size, read row by row.",
      }),
      input,
    );
  }
}

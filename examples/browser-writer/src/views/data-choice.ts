import { el, fill } from "@peekpack/explorer/ui/dom";
import { count, size } from "@peekpack/explorer/ui/format";
import { icon } from "@peekpack/explorer/ui/icons";
import { tabs } from "@peekpack/explorer/ui/tabs";
import type { Data } from "../data/data.js";
import { fileData, fileKind } from "../data/file.js";
import { framesFor, skySurvey } from "../data/sky.js";

type Way = "made" | "file";

const WAYS = [
  { name: "made", label: "Made up here" },
  { name: "file", label: "A file of yours" },
] as const satisfies readonly { name: Way; label: string }[];

const MiB = 2 ** 20;
const LEAST_POWER = 4;
/** 16 MiB to 8 GiB, each step twice the one before. */
const SIZES = Array.from({ length: 10 }, (_, step) => 2 ** (LEAST_POWER + step) * MiB);
const FIRST = 4;

/** Asks what is to be written. */
export class DataChoice {
  readonly element: HTMLElement;
  /** Told when something else is chosen. */
  onChange: () => void = () => {};
  readonly #panel: HTMLElement = el("div", "choice-panel");
  readonly #switch: HTMLElement = el("div");
  readonly #notice: HTMLElement = el("p", { class: "wrong", attributes: { role: "alert" } });
  readonly #slider: HTMLInputElement;
  readonly #told: HTMLElement = el("output", "made-size");
  readonly #detail: HTMLElement = el("p", "hint");
  #way: Way = "made";
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

  /** What the archive will take of room, where that is known. */
  get expectedSize(): number | undefined {
    return this.#way === "made" ? this.#bytes : this.#file?.size;
  }

  /** A name for the object, without a suffix. */
  get suggestedName(): string {
    if (this.#way === "made") return "night-sky";
    const bare = this.#file?.name.replace(/\.[^.]*$/, "").replace(/[^\w.-]+/g, "-");
    return bare || "archive";
  }

  /** The data, or undefined where nothing is chosen, which is then said. */
  take(): Data | undefined {
    if (this.#way === "made") return skySurvey(this.#bytes);
    const kind = this.#file && fileKind(this.#file.name);
    if (this.#file !== undefined && kind !== undefined) return fileData(this.#file, kind);
    this.#notice.textContent ||= "Choose a file first.";
    this.#panel.querySelector("input")?.focus();
    return undefined;
  }

  /** Takes a file that was chosen or dropped. */
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
    this.#told.textContent = text;
    this.#slider.setAttribute("aria-valuetext", text);
    this.#detail.textContent = `${count(framesFor(bytes))} frames of a sky that never was, an image and a spectrum each, made while they are written.`;
    this.onChange();
  }

  #show(way: Way): void {
    fill(
      this.#switch,
      tabs("What is written", WAYS, way, (name) => this.#draw(name)),
    );
    this.#draw(way);
  }

  #draw(way: Way): void {
    this.#way = way;
    this.#notice.textContent = "";
    if (way === "made") {
      fill(this.#panel, el("div", "made-line", this.#slider, this.#told), this.#detail);
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
        text: "JSON; or NDJSON and CSV of any size, read row by row.",
      }),
      input,
    );
  }
}

import { el } from "@peekpack/explorer/ui/dom";
import { size } from "@peekpack/explorer/ui/format";
import type { StorageQuota } from "@peekpack/web-storage";
import type { Data } from "../data/data.js";
import type { Destination } from "../destination/destination.js";
import { flowField } from "../ui/flow-field.js";
import { icon } from "../ui/icons.js";
import type { SpoolChoice } from "../write/job.js";
import { CheckView } from "./check-view.js";
import { choice } from "./choice.js";
import { DataChoice } from "./data-choice.js";
import { DestinationChoice } from "./destination-choice.js";
import { StorageLine } from "./storage-line.js";

const MiB = 2 ** 20;
const ROWS = 9;
const STEP_MS = 120;

/** The page before anything is written: what this page does, the data, and the destination. */
export class HomeView {
  readonly element: HTMLElement;
  readonly #data = new DataChoice();
  readonly #destination = new DestinationChoice();
  readonly #storageLine = new StorageLine();
  readonly #storage = choice<"auto" | "opfs" | "indexeddb">("Spool in", "storage", [
    ["auto", "OPFS, else IndexedDB"],
    ["opfs", "OPFS"],
    ["indexeddb", "IndexedDB"],
  ]);
  readonly #partSize = choice("Part size", "part-size", [
    ["8", "8 MiB, or more if needed"],
    ["5", "5 MiB"],
    ["16", "16 MiB"],
    ["64", "64 MiB"],
  ]);
  readonly #concurrency = choice("Concurrency", "concurrency", [
    ["4", "4 parts"],
    ["1", "1 part"],
    ["2", "2 parts"],
    ["8", "8 parts"],
  ]);
  readonly #warning: HTMLElement = el("p", { class: "wrong", attributes: { role: "status" } });
  readonly #check = new CheckView();
  readonly #art = flowField(ROWS);
  readonly #write: (data: Data, to: Destination, spool: SpoolChoice) => void;
  #available: StorageQuota | undefined;

  constructor(pending: HTMLElement, write: (data: Data, to: Destination, spool: SpoolChoice) => void) {
    this.#write = write;
    this.#play();
    this.#data.onChange = () => this.#changed();
    this.#storageLine.onChange = (room) => {
      this.#available = room;
      this.#changed();
    };
    this.element = el(
      "main",
      "opening",
      el(
        "div",
        "opening-inner",
        pending,
        el(
          "section",
          "pitch",
          el("h1", {}, "Gigabytes, from a tab ", el("em", { text: "to S3." })),
          this.#art.element,
          el("p", {
            class: "lead",
            text: "Archives are written to the browser's storage and uploaded from there, with only a few parts in memory. If you close the tab, a complete archive continues where it stopped.",
          }),
        ),
        el(
          "form",
          {
            class: "card",
            attributes: { "aria-label": "Write an archive", autocomplete: "off" },
            on: {
              submit: (event) => {
                event.preventDefault();
                this.#submit();
              },
              // What was checked is no longer what is entered.
              input: () => this.#check.clear(),
            },
          },
          this.#data.element,
          this.#destination.element,
          el(
            "details",
            "step more",
            el("summary", { text: "Spool and upload" }),
            el("div", "triple", this.#storage.element, this.#partSize.element, this.#concurrency.element),
          ),
          el(
            "div",
            "step submit",
            this.#warning,
            this.#check.element,
            el("button", { class: "button primary", attributes: { type: "submit" } }, icon("up"), "Write"),
          ),
          this.#storageLine.element,
        ),
      ),
    );
    this.#changed();
  }

  /** Checks the destination, and begins if nothing stands in the way. */
  #submit(): void {
    const data = this.#data.take();
    const to = data && this.#destination.take();
    if (data === undefined || to === undefined) return;
    const partSize = Number(this.#partSize.value);
    const spool: SpoolChoice = {
      storage: this.#storage.value,
      // The default size grows if 10,000 parts would not suffice.
      ...(partSize === 8 ? {} : { partSize: partSize * MiB }),
      concurrency: Number(this.#concurrency.value),
    };
    void this.#check.check(to, {
      again: () => this.#submit(),
      go: (checked) => {
        this.#check.clear();
        this.#destination.setPath(checked.path);
        this.#write(data, checked, spool);
      },
    });
  }

  takeFile(file: File): void {
    this.#data.takeFile(file);
  }

  /** Called when it is shown again after a job: the available storage has changed. */
  shown(): void {
    this.#check.clear();
    this.#changed();
    void this.#storageLine.refresh();
  }

  #changed(): void {
    this.#destination.suggest(this.#data.suggestedName);
    const wanted = this.#data.expectedSize ?? 0;
    const free = this.#available?.free ?? Number.POSITIVE_INFINITY;
    this.#warning.textContent = wanted > free ? `The browser has only ${size(free)} of free storage.` : "";
  }

  /** Decoration: shows how an archive is written, stored and uploaded. */
  #play(): void {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.#art.show({ made: 0.78, up: 0.44 });
      return;
    }
    let step = 44;
    const show = (): void => {
      const at = (step++ % 130) / 100;
      this.#art.show({ made: Math.min(1, at * 1.55), up: Math.min(1, Math.max(0, at * 1.15 - 0.08)) });
    };
    show();
    // It is never cleared, because the view is shown again after every archive.
    setInterval(() => {
      if (this.element.isConnected && !document.hidden) show();
    }, STEP_MS);
  }
}

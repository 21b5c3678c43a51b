import { el } from "@peekpack/explorer/ui/dom";
import { size } from "@peekpack/explorer/ui/format";
import type { StorageRoom } from "@peekpack/web-storage";
import type { Data } from "../data/data.js";
import type { Destination } from "../destination/destination.js";
import { flowField } from "../ui/flow-field.js";
import { icon } from "../ui/icons.js";
import type { SpoolChoice } from "../write/job.js";
import { choice } from "./choice.js";
import { DataChoice } from "./data-choice.js";
import { DestinationChoice } from "./destination-choice.js";
import { RoomLine } from "./room-line.js";

const MiB = 2 ** 20;
const ROWS = 9;
const STEP_MS = 120;

/** The page before anything is written: what this is, what to write, and where to. */
export class HomeView {
  readonly element: HTMLElement;
  readonly #data = new DataChoice();
  readonly #destination = new DestinationChoice();
  readonly #room = new RoomLine();
  readonly #storage = choice<"auto" | "opfs" | "indexeddb">("Kept meanwhile in", "storage", [
    ["auto", "OPFS, else IndexedDB"],
    ["opfs", "OPFS"],
    ["indexeddb", "IndexedDB"],
  ]);
  readonly #partSize = choice("Parts of", "part-size", [
    ["8", "8 MiB, or as needed"],
    ["5", "5 MiB"],
    ["16", "16 MiB"],
    ["64", "64 MiB"],
  ]);
  readonly #parallel = choice("Sent at once", "parallel", [
    ["4", "4 parts"],
    ["1", "1 part"],
    ["2", "2 parts"],
    ["8", "8 parts"],
  ]);
  readonly #tight: HTMLElement = el("p", { class: "wrong", attributes: { role: "status" } });
  readonly #art = flowField(ROWS);
  #left: StorageRoom | undefined;

  constructor(pending: HTMLElement, write: (data: Data, to: Destination, spool: SpoolChoice) => void) {
    this.#play();
    this.#data.onChange = () => this.#changed();
    this.#room.onRoom = (room) => {
      this.#left = room;
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
            text: "Written through the browser's own storage, a few parts in memory, and uploaded from there. Close the tab halfway: what is complete goes on where it stopped.",
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
                const data = this.#data.take();
                const to = data && this.#destination.take();
                if (data === undefined || to === undefined) return;
                const partSize = Number(this.#partSize.value);
                write(data, to, {
                  storage: this.#storage.value,
                  // Left open it grows where 10,000 parts would not do.
                  ...(partSize === 8 ? {} : { partSize: partSize * MiB }),
                  concurrency: Number(this.#parallel.value),
                });
              },
            },
          },
          this.#data.element,
          this.#destination.element,
          el(
            "details",
            "step more",
            el("summary", { text: "How it is kept and sent" }),
            el("div", "triple", this.#storage.element, this.#partSize.element, this.#parallel.element),
          ),
          el(
            "div",
            "step submit",
            this.#tight,
            el("button", { class: "button primary", attributes: { type: "submit" } }, icon("up"), "Write it"),
          ),
          this.#room.element,
        ),
      ),
    );
    this.#changed();
  }

  takeFile(file: File): void {
    this.#data.takeFile(file);
  }

  /** Shown again after a job: what was typed is still there, and the room has changed. */
  shown(): void {
    this.#changed();
    void this.#room.refresh();
  }

  #changed(): void {
    this.#destination.suggest(this.#data.suggestedName);
    const wanted = this.#data.expectedSize ?? 0;
    const free = this.#left?.free ?? Number.POSITIVE_INFINITY;
    this.#tight.textContent =
      wanted > free ? `That is more than the ${size(free)} that the browser has room for.` : "";
  }

  /** Shows what will happen: made, kept here, sent up. Decoration. */
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
    // As long as the page lives: it is shown again after every archive.
    setInterval(() => {
      if (this.element.isConnected && !document.hidden) show();
    }, STEP_MS);
  }
}

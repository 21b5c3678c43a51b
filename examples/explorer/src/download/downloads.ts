import type { JsonLoss } from "@peekpack/core/tagged";
import { failureOf, isAbort } from "../archive/failure.js";
import { el, fill } from "../ui/dom.js";
import { count, size } from "../ui/format.js";
import { icon } from "../ui/icons.js";
import { openDestination } from "./destination.js";
import {
  type Downloaded,
  type Format,
  reservedBytes,
  type WriteOptions,
  type Written,
  writeDownload,
} from "./formats.js";

/** Interval at which the progress is shown. */
const SHOW_MS = 120;

/** What to download, and how. */
export interface Order extends Pick<WriteOptions, "columns" | "codec"> {
  readonly downloaded: Downloaded;
  readonly format: Format;
  /** The name of the file, without its extension. */
  readonly name: string;
}

const LOSSES: Readonly<Record<JsonLoss, string>> = {
  bytes: "byte strings became base64",
  integer: "integers beyond 2^53 became text",
  instant: "instants became ISO 8601 text",
  number: "NaN or infinities became text",
  undefined: "undefined became null",
  extension: "extensions or tags became objects",
  set: "sets became lists",
  array: "numpy arrays became lists",
  key: "keys that are not text became text",
};

/** What plain JSON did not keep, in words. Undefined: it kept everything. */
export function lossText(losses: ReadonlyMap<JsonLoss, number>): string | undefined {
  if (losses.size === 0) return undefined;
  return Array.from(losses, ([what, times]) => `${count(times)} × ${LOSSES[what]}`).join("; ");
}

/** The downloads of a page: each with its progress, a button that cancels it, and what became of it. */
export class Downloads {
  readonly element: HTMLElement = el("div", {
    class: "downloads",
    attributes: { role: "region", "aria-label": "Downloads" },
  });
  readonly #running = new Set<AbortController>();

  /** Starts a download. Called by a click. */
  async start(order: Order): Promise<void> {
    const { downloaded, format, name } = order;
    const file = `${name}.${format.extension}`;
    const controller = new AbortController();
    const { signal } = controller;
    const text = el("p", {
      class: "download-text",
      text: `${file}: starting …`,
      attributes: { role: "status" },
    });
    const bar = el("progress", { attributes: { "aria-label": `Progress of ${file}` } });
    const end = el("button", {
      class: "button quiet",
      text: "Cancel",
      attributes: { type: "button", "aria-label": `Cancel the download of ${file}` },
      on: { click: () => controller.abort() },
    });
    const line = el("div", "download", text, bar, end);
    let shownAt = 0;
    try {
      const to = await openDestination(file, reservedBytes(format.name));
      this.#running.add(controller);
      this.element.append(line);
      const written = await writeDownload(downloaded, format.name, to, {
        ...order,
        signal,
        progress(bytes) {
          if (performance.now() - shownAt < SHOW_MS) return;
          shownAt = performance.now();
          text.textContent = `${file}: ${size(bytes)} written …`;
        },
      });
      text.textContent = `${to.where} is complete: ${size(written.bytes + reservedBytes(format.name))}.${lossLine(written)}`;
    } catch (error) {
      if (!line.isConnected) {
        // No file was chosen.
        if (error instanceof DOMException && error.name === "AbortError") return;
        this.element.append(line);
      }
      const failure = failureOf(error);
      text.textContent = isAbort(error, signal)
        ? `${file} was cancelled. Nothing was saved.`
        : `${file} was not saved: ${failure.message} (${failure.code})`;
      line.classList.toggle("failed", !isAbort(error, signal));
    } finally {
      this.#running.delete(controller);
      bar.remove();
      fill(end, icon("close"));
      end.className = "icon-button";
      end.setAttribute("aria-label", `Dismiss ${file}`);
      end.addEventListener("click", () => line.remove());
    }
  }

  /** Cancels all. */
  close(): void {
    for (const controller of this.#running) controller.abort();
  }
}

function lossLine({ losses }: Written): string {
  const lost = lossText(losses);
  return lost === undefined ? "" : ` Not kept as it was: ${lost}. “JSON without loss” keeps it.`;
}

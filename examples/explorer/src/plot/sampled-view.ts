import type { LazyList } from "@peekpack/core";
import { failureOf, isAbort } from "../archive/failure.js";
import { sampledCurve } from "../numbers/curve.js";
import { SampledNumbers } from "../numbers/sampled-numbers.js";
import type { SharedView } from "../share/view-state.js";
import { el, fill } from "../ui/dom.js";
import { count, share, size } from "../ui/format.js";
import type { View } from "../value/view.js";
import { curveView } from "./plot-view.js";

/** How long the view rests before the part that was zoomed into is read. */
const READ_AFTER_MS = 150;

/**
 * A long list of numbers as a plot, from parts that were read: first evenly spread ones, then those of what is zoomed into.
 * It says that it shows a sample, and reads all on request.
 */
export async function sampledView(
  list: LazyList,
  bytes: number,
  shared: SharedView,
  signal: AbortSignal,
): Promise<View> {
  const numbers = new SampledNumbers(list);
  const closing = new AbortController();
  const [from, to] = shared.state.x ?? [0, numbers.length];
  await numbers.sample(0, numbers.length, { signal });
  if (shared.state.x !== undefined) {
    await numbers.sample(Math.max(0, Math.floor(from)), Math.min(numbers.length, Math.ceil(to)), { signal });
  }
  const view = curveView([sampledCurve(numbers, "")], { shared });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let reading: AbortController | undefined;
  /** Whether all numbers are being read. Zooming does not end that. */
  let readsAll = false;

  function note(text?: string): void {
    const [first, last] = view.line.range;
    if (text === undefined && numbers.count === numbers.length) {
      fill(view.note, "All numbers were read.");
      return;
    }
    const here = numbers.covers(first, last) ? "All numbers in view were read. " : "";
    const sample = `A sample: ${count(numbers.count)} of ${count(numbers.length)} numbers were read (${share(numbers.count, numbers.length)}). `;
    const missing = here === "" ? "Peaks between them are not seen. " : "";
    fill(
      view.note,
      text ?? here + sample + missing,
      text === undefined &&
        el("button", {
          class: "text-button",
          text: `Read all, ${size(bytes)}`,
          attributes: { type: "button" },
          on: { click: () => void readAll() },
        }),
      text !== undefined &&
        el("button", {
          class: "text-button",
          text: "Stop",
          attributes: { type: "button" },
          on: { click: () => reading?.abort() },
        }),
    );
  }

  function progress(part: number): void {
    note(`Reading: ${Math.round(part * 100)} % `);
  }

  async function readAll(): Promise<void> {
    clearTimeout(timer);
    readsAll = true;
    await read((inner) => numbers.readAll({ signal: inner }, progress));
    readsAll = false;
  }

  async function read(work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    reading?.abort();
    const controller = new AbortController();
    reading = controller;
    const inner = AbortSignal.any([controller.signal, closing.signal]);
    try {
      await work(inner);
    } catch (error) {
      if (!isAbort(error, inner)) {
        const failure = failureOf(error);
        note();
        view.note.prepend(`${failure.title}: ${failure.message} (${failure.code}). `);
        return;
      }
    }
    if (closing.signal.aborted || reading !== controller) return;
    view.redraw();
    note();
  }

  view.line.zoomed.listen(([first, last]) => {
    clearTimeout(timer);
    if (readsAll) return;
    note();
    if (numbers.covers(first, last)) return;
    timer = setTimeout(
      () => void read((inner) => numbers.sample(first, last, { signal: inner })),
      READ_AFTER_MS,
    );
  });
  note();
  return {
    element: view.element,
    close() {
      clearTimeout(timer);
      closing.abort();
      view.close();
    },
  };
}

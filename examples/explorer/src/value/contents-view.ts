import { LazyList, LazyMap } from "@peekpack/core";
import type { Entry } from "../archive/entry.js";
import { childOutline } from "../archive/outline.js";
import { keyText } from "../archive/segments.js";
import { el } from "../ui/dom.js";
import { count, counted, share, size } from "../ui/format.js";
import type { View } from "./view.js";

const LARGEST = 14;
/** Sizes of so many entries are compared. */
const COMPARED = 200_000;

/** What the table of contents tells of a container: how many entries, where they lie, which of them are large. No request. */
export function contentsView(entry: Entry, whole: number, goTo: (entry: Entry) => void): View {
  const entries = entry.size ?? 0;
  const { span } = entry;
  const inMap = entry.content?.value instanceof LazyMap;
  const facts: [string, string][] = [[inMap ? "Entries" : "Items", count(entries)]];
  if (span !== undefined) {
    const bytes = span.end - span.start;
    facts.push(["Size", size(bytes)], ["Share of the archive", share(bytes, whole)]);
    facts.push(["Bytes", `${count(span.start)} – ${count(span.end)}`]);
  }
  const largest = largestOf(entry);
  const top = largest[0]?.bytes ?? 1;
  // Where all are of one size, the first ones are no larger than the others.
  const same = largest.length > 1 && largest.length < entries && largest.at(-1)!.bytes === top;
  if (same) facts.push(["Each of the largest", size(top)]);
  const element = el(
    "div",
    "contents-view",
    el(
      "dl",
      "facts",
      ...facts.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]),
    ),
    largest.length > 0 &&
      !same &&
      el(
        "section",
        "largest",
        el("h3", { text: entries > largest.length ? `The largest of ${count(entries)}` : "By size" }),
        ...largest.map(({ index, bytes }) => {
          const bar = el("span", "bar");
          bar.style.setProperty("--share", String(bytes / top));
          return el(
            "button",
            {
              class: "largest-entry",
              attributes: { type: "button" },
              on: { click: () => goTo(entry.child(index)) },
            },
            el("span", { class: "name", text: keyText(entry.keyAt(index)) }),
            bar,
            el("span", { class: "bytes", text: size(bytes) }),
          );
        }),
      ),
    el("p", {
      class: "hint",
      text:
        entries > COMPARED
          ? `Known from the table of contents; sizes compared for the first ${counted(COMPARED, "entry", "entries")}.`
          : "All of this is known from the table of contents: no request was made for it.",
    }),
  );
  return { element, close: () => {} };
}

function largestOf(entry: Entry): { index: number; bytes: number }[] {
  const value = entry.content?.value;
  if (!(value instanceof LazyMap || value instanceof LazyList) || entry.blocked) return [];
  const largest: { index: number; bytes: number }[] = [];
  const entries = Math.min(entry.size ?? 0, COMPARED);
  for (let index = 0; index < entries; index++) {
    const span = childOutline(value, index)?.span;
    if (span === undefined) continue;
    const bytes = span.end - span.start;
    if (largest.length === LARGEST && bytes <= largest[LARGEST - 1]!.bytes) continue;
    let at = largest.length;
    while (at > 0 && largest[at - 1]!.bytes < bytes) at--;
    largest.splice(at, 0, { index, bytes });
    if (largest.length > LARGEST) largest.pop();
  }
  return largest;
}

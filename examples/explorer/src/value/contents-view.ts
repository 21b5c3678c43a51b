import { LazyMap, type Value } from "@peekpack/core";
import { TimeSlice } from "@peekpack/core/internal";
import type { Entry } from "../archive/entry.js";
import { keyText } from "../archive/segments.js";
import { el } from "../ui/dom.js";
import { count, counted, share, size } from "../ui/format.js";
import { shownKey } from "../ui/shown-text.js";
import type { View } from "./view.js";

const MAX_LARGEST = 14;
/** Entries whose sizes are compared; fewer if tables are paged. */
const COMPARED = 200_000;
const COMPARED_PAGED = 4096;
/** Entries that are described at a time. */
const STEP = 8192;

/** An entry among the largest of a container. */
interface Large {
  readonly index: number;
  readonly key: Value;
  readonly bytes: number;
}

/** Shows what the table says of a container: how many entries, where they are, and which of them are large. */
export async function contentsView(
  entry: Entry,
  archiveBytes: number,
  goTo: (entry: Entry) => void,
  signal: AbortSignal,
): Promise<View> {
  const entries = entry.size ?? 0;
  const { range } = entry;
  const inMap = entry.content?.value instanceof LazyMap;
  const facts: [string, string][] = [[inMap ? "Entries" : "Items", count(entries)]];
  if (range !== undefined) {
    const bytes = range.end - range.start;
    facts.push(["Size", size(bytes)], ["Share of the archive", share(bytes, archiveBytes)]);
    facts.push(["Bytes", `${count(range.start)} – ${count(range.end)}`]);
  }
  const compared = entry.blocked ? 0 : Math.min(entries, entry.paged ? COMPARED_PAGED : COMPARED);
  const largest = await largestOf(entry, compared, signal);
  const top = largest[0]?.bytes ?? 1;
  // If all have one size, the first ones are no larger than the others.
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
        ...largest.map(({ index, key, bytes }) => {
          const bar = el("span", "bar");
          bar.style.setProperty("--share", String(bytes / top));
          return el(
            "button",
            {
              class: "largest-entry",
              attributes: { type: "button" },
              on: { click: () => goTo(entry.child(index)) },
            },
            el("bdi", { class: "name", text: shownKey(keyText(key)) }),
            bar,
            el("span", { class: "bytes", text: size(bytes) }),
          );
        }),
      ),
    el("p", { class: "hint", text: hint(entry, compared) }),
  );
  return { element, close: () => {} };
}

function hint(entry: Entry, compared: number): string {
  const source = entry.paged
    ? "Known from pages of the table of contents"
    : "Known from the table of contents";
  if (compared < (entry.size ?? 0) && compared > 0) {
    return `${source}; sizes compared for the first ${counted(compared, "entry", "entries")}.`;
  }
  return entry.paged ? `${source}.` : `${source}: no request was made for it.`;
}

async function largestOf(entry: Entry, compared: number, signal: AbortSignal): Promise<Large[]> {
  const largest: Large[] = [];
  const slice = new TimeSlice();
  for (let index = 0; index < compared; index++) {
    if (index % STEP === 0) await entry.ensure(index, Math.min(index + STEP, compared), { signal });
    if (index % 256 === 0) await slice.next(signal);
    const bytes = entry.bytesAt(index);
    if (bytes === undefined) continue;
    if (largest.length === MAX_LARGEST && bytes <= largest[MAX_LARGEST - 1]!.bytes) continue;
    let at = largest.length;
    while (at > 0 && largest[at - 1]!.bytes < bytes) at--;
    largest.splice(at, 0, { index, key: entry.keyAt(index), bytes });
    if (largest.length > MAX_LARGEST) largest.pop();
  }
  return largest;
}

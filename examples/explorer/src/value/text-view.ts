import { Ext, type Value } from "@peekpack/core";
import { TimeSlice } from "@peekpack/core/internal";
import { el, fill } from "../ui/dom.js";
import { count } from "../ui/format.js";
import { VirtualRows } from "../ui/virtual-rows.js";
import { type Line, textLines } from "./text-lines.js";
import { token, tokenNodes } from "./tokens.js";
import type { View } from "./view.js";

/** Lines that are made at a time, and in total. */
const STEP = 400;
const MOST = 1_000_000;
/** Characters of a line: as many as fit, within these bounds. */
const NARROWEST = 32;
const WIDEST = 160;
/** Pixels of a character, and of what is beside the text. */
const CHARACTER = 7.9;
const MARGIN = 110;

/** A value as indented text. Lines are made when they are scrolled to. `room`: the width in pixels that it is wrapped to. */
export function textView(value: Value, room: number): View {
  const width = Math.max(NARROWEST, Math.min(WIDEST, Math.floor((room - MARGIN) / CHARACTER)));
  const source = textLines(value, width);
  const lines: Line[] = [];
  const closing = new AbortController();
  let ended = false;
  const make = (wanted: number): void => {
    while (!ended && lines.length < wanted) {
      const next = lines.length < MOST ? source.next() : undefined;
      if (next?.done === false) {
        lines.push(next.value);
        continue;
      }
      ended = true;
      if (next === undefined) {
        const text = `… more than ${count(MOST)} lines. The rest is not shown here; a copy or a download has it.`;
        lines.push({ indent: 0, tokens: [token("faint", text)] });
      }
    }
  };
  make(STEP);
  const element = el("div", {
    // The lines of bytes have offsets of their own.
    class: value instanceof Uint8Array || value instanceof Ext ? "text-view bare" : "text-view",
    attributes: { tabindex: 0, role: "region", "aria-label": "The value as text" },
    on: { keydown: (event) => pressed(event) },
  });
  const rows = new VirtualRows(element, {
    count: () => lines.length,
    create: () => el("div", "line", el("span", "number"), el("span", "content")),
    render(index, row) {
      const line = lines[index]!;
      const [number, content] = row.children as unknown as [HTMLElement, HTMLElement];
      number.textContent = String(index + 1);
      content.style.setProperty("--indent", String(line.indent));
      fill(content, ...tokenNodes(line.tokens));
    },
    shown(_, last) {
      if (ended || last + STEP / 2 < lines.length) return;
      make(lines.length + STEP);
      rows.refreshSoon();
    },
  });

  function pressed(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    switch (event.key) {
      case "PageDown":
      case " ":
        // What comes into view must exist before it is scrolled to.
        make(lines.length + (ended ? 0 : rows.page + STEP));
        rows.scrollRows(event.shiftKey ? -rows.page : rows.page);
        break;
      case "PageUp":
        rows.scrollRows(-rows.page);
        break;
      case "Home":
        rows.toTop();
        break;
      case "End":
        void toEnd();
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  async function toEnd(): Promise<void> {
    const slice = new TimeSlice();
    try {
      while (!ended) {
        make(lines.length + STEP);
        await slice.next(closing.signal);
      }
    } catch {
      return;
    }
    rows.refresh();
    rows.reveal(lines.length - 1);
  }

  return {
    element,
    close() {
      closing.abort();
      rows.close();
    },
  };
}

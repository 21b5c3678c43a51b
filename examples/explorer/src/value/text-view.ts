import { Ext, type Value } from "@peekpack/core";
import { el, fill } from "../ui/dom.js";
import { VirtualRows } from "../ui/virtual-rows.js";
import { type Line, textLines } from "./text-lines.js";
import { tokenNodes } from "./tokens.js";
import type { View } from "./view.js";

/** Lines that are made at a time, and in total. */
const STEP = 400;
const MOST = 1_000_000;

/** A value as indented text. Lines are made when they are scrolled to. */
export function textView(value: Value): View {
  const source = textLines(value);
  const lines: Line[] = [];
  let ended = false;
  const make = (wanted: number): void => {
    while (!ended && lines.length < Math.min(wanted, MOST)) {
      const next = source.next();
      if (next.done) ended = true;
      else lines.push(next.value);
    }
  };
  make(STEP);
  const element = el("div", {
    // The lines of bytes have offsets of their own.
    class: value instanceof Uint8Array || value instanceof Ext ? "text-view bare" : "text-view",
    attributes: { tabindex: 0, role: "region", "aria-label": "The value as text" },
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
  return { element, close: () => rows.close() };
}

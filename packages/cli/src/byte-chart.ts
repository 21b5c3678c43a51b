import { type Archive, HEADER_SIZE } from "@peekpack/core";
import { outlineEntries, outlineOf } from "@peekpack/core/inspect";
import { keyLabel } from "./key-label.js";
import type { Style } from "./style.js";

/** Bytes of an archive, or of a part of it. */
interface Section {
  readonly label: string;
  readonly bytes: number;
}

/** What it took to open an archive. */
export interface OpeningCost {
  readonly bytes: number;
  /** Undefined for a local archive. */
  readonly requests: number | undefined;
}

/** Characters of a bar for the whole. */
const BAR = 32;
const SHOWN = 8;
/** A larger root is not searched for its largest entries. Through a page index, its table would have to be fetched. */
const MAX_ENTRIES = 100_000;
const MAX_PAGED_ENTRIES = 2000;

/** Draws where the bytes of an archive are: its parts, its largest entries, and what opening it reads. */
export async function byteChart(archive: Archive, cost: OpeningCost, style: Style): Promise<string> {
  const parts = sections(archive);
  const { dataBytes } = archive.info;
  const { found, more, noun } = await largestEntries(archive);
  const lines = ["", ...chartLines(parts, total(parts), style)];
  if (found.length > 0) {
    lines.push("", `largest ${noun}`, ...chartLines(found, dataBytes, style));
    if (more > 0) lines.push(style.paint(`  and ${style.count(more)} more`, "dim"));
  }
  const requests =
    cost.requests === undefined ? "" : ` in ${cost.requests} ${cost.requests === 1 ? "request" : "requests"}`;
  lines.push("", `opening reads ${style.bytes(cost.bytes)}${requests}`);
  return `${lines.join("\n")}\n`;
}

/** The parts of the object, in their order. */
function sections({ info }: Archive): Section[] {
  const { offset, size, dataBytes, tocBytes, objectSize = offset + size, pageIndex, kind } = info;
  const isCombined = String(kind).startsWith("combined");
  const after = objectSize - offset - size;
  const isIndex = pageIndex.state !== "none" && !pageIndex.sidecar;
  return [
    { label: "before the archive", bytes: offset },
    { label: "header", bytes: HEADER_SIZE },
    { label: isCombined ? "child archives" : "data", bytes: dataBytes },
    { label: "table of contents", bytes: tocBytes },
    { label: isIndex ? "page index" : "after the archive", bytes: after },
  ].filter(({ bytes }) => bytes > 0);
}

/** The entries of the root with the most bytes. Only the table is read. */
async function largestEntries(
  archive: Archive,
): Promise<{ readonly found: Section[]; readonly more: number; readonly noun: string }> {
  const { count = 0 } = outlineOf(archive);
  const all: Section[] = [];
  let archives = 0;
  const isPaged = archive.info.pageIndex.state === "used";
  if (count <= (isPaged ? MAX_PAGED_ENTRIES : MAX_ENTRIES)) {
    for await (const window of outlineEntries(archive)) {
      for (const { key, outline } of window) {
        if (outline.kind === "archive") archives++;
        const { range } = outline;
        if (range !== undefined) all.push({ label: keyLabel(key), bytes: range.end - range.start });
      }
    }
  }
  all.sort((a, b) => b.bytes - a.bytes);
  const noun = archives > 0 && archives === all.length ? "children" : "entries";
  return { found: all.slice(0, SHOWN), more: all.length - Math.min(SHOWN, all.length), noun };
}

function total(parts: readonly Section[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

const MAX_LABEL = 24;

function chartLines(parts: readonly Section[], whole: number, style: Style): string[] {
  const labels = parts.map(({ label }) =>
    label.length > MAX_LABEL ? `${label.slice(0, MAX_LABEL - 1)}…` : label,
  );
  const width = Math.max(18, ...labels.map(({ length }) => length));
  return parts.map(({ bytes }, i) => {
    const share = whole === 0 ? 0 : bytes / whole;
    const percent = `${(share * 100).toFixed(1)} %`.padStart(8);
    const line = `  ${labels[i]!.padEnd(width)}${style.bytes(bytes).padStart(10)}${percent}`;
    const drawn = bar(share);
    return drawn === "" ? line : `${line}  ${style.paint(drawn, "blue")}`;
  });
}

/** A bar in eighths of a character. */
function bar(share: number): string {
  const eighths = Math.round(share * BAR * 8);
  const rest = eighths % 8;
  return "█".repeat(Math.floor(eighths / 8)) + (rest === 0 ? "" : String.fromCharCode(0x2590 - rest));
}

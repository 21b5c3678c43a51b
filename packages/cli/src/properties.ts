import { type Archive, LazyList, LazyMap, type Path } from "@peekpack/core";
import { outlineOf, rootArchiveOf } from "@peekpack/core/inspect";
import { describe } from "./listing.js";
import type { Style } from "./style.js";
import { escapeControls } from "./terminal-text.js";

/** Names and values. Undefined values are left out. */
export type Properties = Readonly<Record<string, string | number | undefined>>;

/** The properties of an open archive. A compressed one has two sizes. */
export function archiveProperties(archive: Archive, compressedSize?: number): Properties {
  const { label, codec, kind, size, dataBytes, tocBytes, pageIndex, offset, objectSize, version } =
    archive.info;
  return {
    label,
    codec,
    kind,
    items: outlineOf(archive).count,
    size,
    compressed: compressedSize,
    dataBytes,
    tocBytes,
    pageIndex: pageIndex.state === "used" ? pageIndex.bytes : undefined,
    offset,
    objectSize,
    version,
  };
}

/** The properties of the value at a path. The root of a child archive has codec, sizes and offset too. */
export async function propertiesAt(archive: Archive, path: Path): Promise<Properties> {
  const value = await archive.get(path);
  const properties = { ...describe(value) };
  if (!(value instanceof LazyMap || value instanceof LazyList)) return properties;
  const root = rootArchiveOf(value);
  if (root === undefined || root.nesting === 0) return properties;
  const { codec, size, dataBytes, tocBytes, offset } = root;
  return { ...properties, codec, size, dataBytes, tocBytes, offset };
}

/** Properties that are sizes in bytes. */
const SIZES = new Set([
  "bytes",
  "size",
  "compressed",
  "dataBytes",
  "tocBytes",
  "pageIndex",
  "objectSize",
  "openingBytes",
]);

/** Width of the names, with the gap after them. */
const NAME_WIDTH = 12;

/** The properties as text, one a line. */
export function propertyLines(properties: Properties, style: Style): string {
  const shown = Object.entries(properties).filter(([, value]) => value !== undefined);
  const width = Math.max(NAME_WIDTH, ...shown.map(([name]) => name.length + 2));
  return shown
    .map(([name, value]) => `${style.paint(name.padEnd(width), "dim")}${text(name, value, style)}\n`)
    .join("");
}

function text(name: string, value: string | number | undefined, style: Style): string {
  if (typeof value !== "number") return escapeControls(String(value));
  return SIZES.has(name) ? style.bytes(value) : style.count(value);
}

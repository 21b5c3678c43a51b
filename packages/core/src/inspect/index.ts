/** Looks into the table of contents of an archive, without reading values. */
export { HEADER_SIZE, hasMagic, MAGIC } from "../format/header.js";
export { formatSize } from "./format-size.js";
export {
  type ArchiveOutline,
  codecOf,
  indexOfKey,
  loadOutline,
  type Outline,
  type OutlineEntry,
  type OutlineMatch,
  outlineEntries,
  outlineMatches,
  outlineOf,
  rootArchiveOf,
} from "./outline.js";

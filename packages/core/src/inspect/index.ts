/** Looks into the table of contents of an archive, without reading values. */
export {
  codecOf,
  indexOfKey,
  type Outline,
  type OutlineEntry,
  outlineEntries,
  outlineOf,
} from "./outline.js";

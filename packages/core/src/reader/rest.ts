/**
 * What opening an archive and reading a value by a plain path do without: handles, children of nodes, archives inside
 * archives, slices, and what is to be said when something is not as expected. One chunk, loaded at the first need of any of
 * it. In Node, where nothing is saved by waiting, it is there from the start.
 */
export { ChildrenIndex } from "../format/children-index.js";
export { decodeHeader } from "../format/header.js";
export { openChild } from "./child-archives.js";
export { checkCodec, withCodec } from "./custom-codec.js";
export { contactAt } from "./inner-contact.js";
export { decodeIndex } from "./kept-index.js";
export { materialize } from "./materialize.js";
export { readColumn } from "./number-column.js";
export { reviveNumpy } from "./numpy-values.js";
export { entriesAt, hasAt, keysAt, present, sizeAt, valuesAt } from "./present.js";
export { rawChunks } from "./raw.js";
export { isChange, reopening } from "./reopening.js";
export { select } from "./select.js";
export { step } from "./steps.js";

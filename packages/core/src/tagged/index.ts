/** Values as JSON without loss, in the tagged notation. */
export { type FromTaggedOptions, fromTagged } from "./from-tagged.js";
export { type JsonInput, type JsonLoss, type JsonOptions, jsonText, shortJson } from "./json-text.js";
export type { TaggedJson } from "./tagged-json.js";
export { toTagged } from "./to-tagged.js";

/** A notation of values in JSON that loses nothing. */
export { type FromTaggedOptions, fromTagged, type TaggedJson, toTagged } from "./tagged.js";

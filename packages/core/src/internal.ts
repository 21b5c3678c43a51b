/*
 * What the other packages of this repository need of this one, and users do not. It may change in any release.
 */
export { crc32 } from "./crc32.js";
export { disposable } from "./disposable.js";
export { encodeHeader } from "./format/header.js";
export { loadFeature } from "./load-feature.js";
export { ByteLru } from "./lru.js";
export { TimeSlice } from "./reader/event-loop.js";
export { AbortListeners } from "./source/abort-listeners.js";
export { pageUrl } from "./source/environment.js";
export { asReadEngine, isReadEngine } from "./source/read-engine.js";
export { hintRetry, type RetryHint } from "./source/retry-hint.js";
export { changed, checkRanges, closedSource } from "./source/source-error.js";
export { type CombinedLayout, combinedLayout } from "./writer/combined-layout.js";

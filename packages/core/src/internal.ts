/*
 * What the other packages of this repository need of this one, and users do not. It may change in any release.
 */
export { crc32 } from "./crc32.js";
export { disposable } from "./disposable.js";
export { TimeSlice } from "./event-loop.js";
export type { Cursor, Item as CursorItem } from "./format/cursor.js";
export { encodeHeader } from "./format/header.js";
export { isTextKey } from "./format/key-table.js";
export { beginsAsFooter, FOOTER_SIZE } from "./format/page-index-footer.js";
export type { BlockList, Branch, Span, TableNode } from "./format/table-view.js";
export { loadFeature } from "./load-feature.js";
export { ByteLru } from "./lru.js";
export { isNdArray, type NdArrayLike } from "./nd-array-brand.js";
export type { ArchiveReader } from "./reader/archive-reader.js";
export { blockOf } from "./reader/ascending.js";
export { type BlockWindow, blockItems, readBlocks } from "./reader/blocks.js";
export { blockWindows } from "./reader/entries.js";
export { nodeOf } from "./reader/entry.js";
export { KeyMismatch, verified } from "./reader/key-mismatch.js";
export { type ListSelection, resolveListSegment } from "./reader/list-selection.js";
export { isRecord, type NodeLocation, rootOf } from "./reader/lookup.js";
export { materialize } from "./reader/materialize.js";
export { readAhead } from "./reader/read-ahead.js";
export { ResultBudget } from "./reader/result-budget.js";
export { validated } from "./reader/standard-schema.js";
export { isUnicode } from "./reader/table.js";
export { AbortListeners } from "./source/abort-listeners.js";
export { pageUrl } from "./source/environment.js";
export { asReadEngine, isReadEngine } from "./source/read-engine.js";
export { hintRetry, type RetryHint } from "./source/retry-hint.js";
export { changed, checkRanges, closedSource } from "./source/source-error.js";
export { toBase64 } from "./tagged/base64.js";
export { type CombinedLayout, combinedLayout } from "./writer/combined-layout.js";

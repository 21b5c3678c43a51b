export type { Codec, Decoded, DecodeOptions, Decoder, MapStyle } from "./codec/codec.js";
export {
  type ErrorCode,
  type ErrorDetails,
  type ErrorSection,
  isPeekpackError,
  PeekpackError,
  publicUrl,
} from "./errors.js";
export { decodeHeader, HEADER_SIZE, type Header, type Protocol } from "./format/header.js";
export { DEFAULT_LIMITS, type Limits } from "./limits.js";
export { NdArray, type NdData, type NdType, type Nested } from "./nd-array.js";
export type { NumberType } from "./number-arrays.js";
export { encodeNumpyPickle } from "./numpy/pickle-writer.js";
export { Archive, type ArchiveInfo } from "./reader/archive.js";
export type { KeysOptions } from "./reader/entries.js";
export { LazyList, LazyMap } from "./reader/handles.js";
export type { NumberArrayOf } from "./reader/number-array.js";
export { type ArchiveSource, type OpenOptions, openArchive } from "./reader/open-archive.js";
export type { PageIndexInfo } from "./reader/page-index-info.js";
export { type Path, type PathKey, type PathSegment, Slice, slice } from "./reader/path.js";
export { ANY, type Pattern, type Selected } from "./reader/pattern.js";
export { pointer, toPointer } from "./reader/pointer.js";
export type { At, InnerOf, KeyOf, Lazily, PathIn, Untyped } from "./reader/schema.js";
export { Sequence } from "./reader/sequence.js";
export {
  SchemaError,
  type SchemaIssue,
  type SchemaResult,
  type StandardSchema,
} from "./reader/standard-schema.js";
export * from "./source/index.js";
export { Ext, Float64, float64, Simple, Tagged, Timestamp, type Value } from "./values.js";
export type {
  ArchiveCompression,
  ArchivePiece,
  CompressedArchive,
  SourceRange,
} from "./writer/archive-compression.js";
export {
  type BuildPageIndexOptions,
  type BuiltPageIndex,
  buildPageIndex,
} from "./writer/build-page-index.js";
export {
  type AppendTarget,
  appendArchives,
  type CombineChild,
  type CombineChildren,
  combineArchives,
} from "./writer/combine.js";
export { encodeArchive } from "./writer/encode-archive.js";
export type { EncodeOptions } from "./writer/options.js";
export { type ArchiveSink, type MemorySink, memorySink, type WriteResult } from "./writer/sink.js";
export { type ListStream, listOf, type MapStream, mapOf, type StreamOptions } from "./writer/stream.js";
export type { TableSpill } from "./writer/table-spill.js";
export { type WriteOptions, writeArchive } from "./writer/write-archive.js";

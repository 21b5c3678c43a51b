export {
  type ErrorCode,
  type ErrorDetails,
  type ErrorSection,
  isPeekpackError,
  PeekpackError,
  publicUrl,
} from "./errors.js";
export { NdArray, type NdData, type NdType, type Nested } from "./numpy/nd-array.js";
export { type Path, type PathKey, type PathSegment, Slice, slice } from "./reader/path.js";
export * from "./source/index.js";
export { Ext, Float64, float64, Simple, Tagged, Timestamp, type Value } from "./values.js";
export { type ArchiveSink, type MemorySink, memorySink, type WriteResult } from "./writer/sink.js";

export {
  type ErrorCode,
  type ErrorDetails,
  type ErrorSection,
  isPeekpackError,
  PeekpackError,
  publicUrl,
} from "./errors.js";
export type { ByteRange, Probe, RangeSource, ReadOptions } from "./source/range-source.js";
export { type ArchiveSink, type MemorySink, memorySink, type WriteResult } from "./writer/sink.js";

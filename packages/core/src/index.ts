export {
  type ErrorCode,
  type ErrorDetails,
  type ErrorSection,
  isPeekpackError,
  PeekpackError,
  publicUrl,
} from "./errors.js";
export * from "./source/index.js";
export { type ArchiveSink, type MemorySink, memorySink, type WriteResult } from "./writer/sink.js";

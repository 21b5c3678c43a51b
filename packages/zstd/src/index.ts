export type { WebWorker, WorkerFactory } from "./compression-thread.js";
export { isZstd } from "./frame-header.js";
export type { ZstdSinkOptions } from "./frame-stream.js";
export { type ZstdFramesOptions, zstdFrames } from "./zstd-frames.js";
export { type ZstdSink, type ZstdWriteResult, zstdSink } from "./zstd-sink.js";
export { type ZstdSourceOptions, zstdSource } from "./zstd-source.js";

export type { WebWorker, WorkerFactory } from "./compression-pool.js";
export { isZstd } from "./frame-header.js";
export { type ZstdSink, type ZstdSinkOptions, type ZstdWriteResult, zstdSink } from "./zstd-sink.js";
export { type ZstdSourceOptions, zstdSource } from "./zstd-source.js";

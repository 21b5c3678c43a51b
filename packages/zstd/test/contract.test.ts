import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesSource, memorySink, readEngine } from "@peekpack/core";
import { slowSource } from "@peekpack/core/testing";
import { fileSource } from "@peekpack/node-storage";
import { archiveSinkContract } from "@peekpack/testing/contracts/archive-sink";
import { rangeSourceContract } from "@peekpack/testing/contracts/range-source";
import { zstdSink, zstdSource } from "../src/index.js";
import { compressed } from "./compressed.js";

rangeSourceContract("compressed bytes", async (bytes) => ({
  source: zstdSource(bytesSource(await compressed(bytes, { frameBytes: 1024 }))),
}));
rangeSourceContract("compressed bytes without a cache", async (bytes) => ({
  source: zstdSource(bytesSource(await compressed(bytes, { frameBytes: 1024 })), { cacheBytes: 0 }),
}));
rangeSourceContract("compressed bytes without checksums", async (bytes) => ({
  source: zstdSource(bytesSource(await compressed(bytes, { frameBytes: 4096, checksum: false }))),
}));
rangeSourceContract("remote compressed bytes", async (bytes) => ({
  source: zstdSource(slowSource(bytesSource(await compressed(bytes)), { latencyMs: 1 })),
}));
rangeSourceContract("compressed bytes over a read engine", async (bytes) => ({
  source: zstdSource(readEngine(slowSource(bytesSource(await compressed(bytes)), { latencyMs: 1 }))),
}));
rangeSourceContract(
  "compressed file",
  async (bytes) => {
    const directory = await mkdtemp(join(tmpdir(), "peekpack-zstd-"));
    const path = join(directory, "archive.zst");
    await writeFile(path, await compressed(bytes));
    return {
      source: zstdSource(fileSource(path)),
      replace: async (next) => writeFile(path, await compressed(next)),
      dispose: () => rm(directory, { recursive: true }),
    };
  },
  { versioned: true },
);

archiveSinkContract("compressed in memory", () => ({
  lasting: false,
  versioned: false,
  place() {
    const memory = memorySink();
    let finished = false;
    return {
      sink: () => {
        const sink = zstdSink(memory, { frameBytes: 4096, worker: false });
        return {
          ...sink,
          async finish(header) {
            const result = await sink.finish(header);
            finished = true;
            return result;
          },
        };
      },
      async stored() {
        if (!finished) return undefined;
        const source = zstdSource(bytesSource(memory.bytes()));
        const { size } = await source.probe({ head: 0, tail: 0 });
        return (await source.read([{ start: 0, end: size }]))[0];
      },
      leftovers: async () => 0,
    };
  },
}));

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memorySink } from "@peekpack/core";
import { archiveSinkContract, type SinkPlace } from "@peekpack/testing/contracts/archive-sink";
import { afterAll, beforeAll } from "vitest";
import { fileSink } from "../src/index.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "peekpack-sink-"));
});
afterAll(() => rm(directory, { recursive: true }));

archiveSinkContract("memory", () => ({
  lasting: false,
  versioned: false,
  place(): SinkPlace {
    let current = memorySink();
    return {
      sink: () => (current = memorySink()),
      async stored() {
        try {
          return current.bytes();
        } catch {
          return undefined;
        }
      },
      leftovers: async () => 0,
    };
  },
}));

let count = 0;
archiveSinkContract("file", () => ({
  lasting: true,
  versioned: true,
  spills: true,
  place(): SinkPlace {
    const name = `file ${count++}`;
    return {
      sink: () => fileSink(join(directory, name)),
      stored: () => readFile(join(directory, name)).catch(() => undefined),
      leftovers: async () => (await readdir(directory)).filter((entry) => entry.includes(".tmp")).length,
    };
  },
}));

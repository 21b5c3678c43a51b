/** Compresses in worker threads, with the built package: workers cannot load TypeScript. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { HEADER_SIZE } from "@peekpack/core";
import { beforeAll, describe, expect, it } from "vitest";
import type { CompressionRequest } from "../src/compression-messages.js";
import { compressBatch } from "../src/compressor.js";
import { type WebWorker, zstdSink } from "../src/index.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Runs a program that imports the built packages. Returns what it prints. */
async function runProgram(program: string): Promise<string> {
  const start = `
    import { bytesSource, memorySink, openArchive, writeArchive } from "@peekpack/core";
    import { zstdSink, zstdSource } from "@peekpack/zstd";
    const value = Array.from({ length: 60_000 }, (_, i) => "text " + i + " of a list that several batches are needed for");
    ${program}`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", start], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    timeout: 60_000,
  });
  return stdout.trim();
}

describe("worker threads", () => {
  beforeAll(async () => {
    await promisify(execFile)("npx", ["tsc", "-b", "packages/zstd"], { cwd: root });
  }, 240_000);

  it("write the same bytes as this thread, and the process ends by itself", async () => {
    const printed = await runProgram(`
      const sizes = [];
      for (const worker of [undefined, false]) {
        const memory = memorySink();
        await writeArchive(zstdSink(memory, { worker, concurrency: 2 }), value);
        const archive = await openArchive(zstdSource(bytesSource(memory.bytes())));
        sizes.push(Buffer.from(memory.bytes()).toString("base64"), (await archive.read("59999")).slice(0, 10));
      }
      console.log(sizes[0] === sizes[2], sizes[1], sizes[3]);
    `);
    expect(printed).toBe("true text 59999 text 59999");
  }, 90_000);

  it("serve the next write, also one of another level; those that compressed large frames end", async () => {
    const printed = await runProgram(`
      import { once } from "node:events";
      const ready = [];
      process.on("worker", (worker) => ready.push(once(worker, "message")));
      const started = [];
      for (const options of [{ level: 1 }, { level: 9 }, { frameBytes: 2 ** 21 }, { frameBytes: 2 ** 21 }]) {
        const memory = memorySink();
        await writeArchive(zstdSink(memory, { concurrency: 2, ...options }), value);
        const archive = await openArchive(zstdSource(bytesSource(memory.bytes())));
        await Promise.all(ready);
        await new Promise(setImmediate);
        started.push(ready.length, memory.bytes().length, (await archive.read("59999")).slice(0, 10));
      }
      const [first, large, , second, small, , third, , , fourth] = started;
      console.log(first, second, large > small, third, fourth > third);
    `);
    expect(printed).toBe("2 2 true 2 true");
  }, 90_000);

  it("do not keep a process alive whose sink was abandoned", async () => {
    const printed = await runProgram(`
      const sink = zstdSink(memorySink());
      for (let i = 0; i < 40; i++) await sink.write(new Uint8Array(100_000));
      console.log("abandoned");
    `);
    expect(printed).toBe("abandoned");
  }, 90_000);

  it("end when the write is aborted", async () => {
    const printed = await runProgram(`
      const sink = zstdSink(memorySink());
      for (let i = 0; i < 40; i++) await sink.write(new Uint8Array(100_000));
      await sink.abort(new Error("enough"));
      await sink.write(new Uint8Array(1)).catch(({ code }) => console.log(code));
    `);
    expect(printed).toBe("closed");
  }, 90_000);
});

describe("a sink that never waits", () => {
  /** Stands for a worker: takes a task to start, then counts its batches. */
  class CountingWorker implements WebWorker {
    batches = 0;
    #listener: ((event: { readonly data: unknown }) => void) | undefined;

    addEventListener(type: "message" | "error", listener: never): void {
      if (type !== "message") return;
      this.#listener = listener;
      setTimeout(() => this.#listener!({ data: { id: -1 } }));
    }

    postMessage({ id, batch }: CompressionRequest): void {
      this.batches++;
      this.#listener!({ data: { id, compressed: compressBatch((content) => content, batch) } });
    }

    terminate(): void {}
  }

  it("gives its content to workers as soon as they have started", async () => {
    const below = {
      write: async () => {},
      finish: async () => ({ size: HEADER_SIZE }),
      abort: async () => {},
    };
    // Loads the encoder: a worker could start meanwhile.
    const first = zstdSink(below, { worker: false, checksum: false });
    await first.write(new Uint8Array(1));
    await first.finish(new Uint8Array(HEADER_SIZE));

    const worker = new CountingWorker();
    const sink = zstdSink(below, { worker: () => worker, concurrency: 1, checksum: false });
    const chunk = new Uint8Array(1024 * 1024);
    for (let i = 0; i < 1000 && worker.batches === 0; i++) await sink.write(chunk);
    await sink.abort();
    expect(worker.batches).toBeGreaterThan(0);
  });
});

/** Platforms that are not this one: without Node's own decoder, with a browser's decoder, without WebAssembly. */
import { bytesSource, encodeArchive, openArchive } from "@peekpack/core";
import { type RpcPort, serveArchives, workerArchive } from "@peekpack/web-storage";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { frameDecoder } from "../src/frame-decoder.js";
import { decodeFrameHeader } from "../src/frame-header.js";
import { zstdSource } from "../src/index.js";
import { compressed, sample } from "./compressed.js";

vi.mock("../src/platform.js", () => ({ nodeModule: () => undefined }));

const value = sample(500);
let file: Uint8Array;
beforeAll(async () => {
  file = await compressed(encodeArchive(value));
});
afterEach(() => vi.unstubAllGlobals());

const read = async (options: Parameters<typeof zstdSource>[1] = {}): Promise<unknown> =>
  (await openArchive(zstdSource(bytesSource(file), options))).read();

it("without a decoder of the platform, WebAssembly compresses and JavaScript decodes", async () => {
  expect(await read()).toEqual(value);
});

describe("a browser's DecompressionStream", () => {
  /** Stands for the browser's: decodes one frame, and gives it in pieces after `change`. */
  const stub = (change: (content: Uint8Array) => Uint8Array = (content) => content): string[] => {
    const formats: string[] = [];
    class Stream {
      readonly readable: ReadableStream<Uint8Array>;
      readonly writable: WritableStream<Uint8Array>;
      constructor(format: string) {
        formats.push(format);
        const chunks: Uint8Array[] = [];
        const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
          transform: (chunk) => void chunks.push(chunk),
          flush(controller) {
            const frame = Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
            const header = decodeFrameHeader(frame);
            const content = change(frameDecoder()(frame, header, header.contentSize!));
            for (let at = 0; at < content.length; at += 10_000) {
              controller.enqueue(content.slice(at, at + 10_000));
            }
          },
        });
        this.readable = readable;
        this.writable = writable;
      }
    }
    vi.stubGlobal("DecompressionStream", Stream);
    return formats;
  };

  it("decodes each frame once, also for reads at the same time", async () => {
    const formats = stub();
    const source = zstdSource(bytesSource(file));
    const { size } = await source.probe({ head: 0, tail: 0 });
    formats.length = 0;
    const ranges = [{ start: 0, end: size }];
    const [one, two] = await Promise.all([source.read(ranges), source.read(ranges)]);
    expect(Buffer.compare(one![0]!, two![0]!)).toBe(0);
    expect(new Set(formats)).toEqual(new Set(["zstd"]));
    const once = formats.length;
    await source.read(ranges);
    expect(formats.length).toBe(once);
    expect(JSON.stringify(await (await openArchive(source)).read())).toBe(JSON.stringify(value));
  });

  it("that gives more or less than the content, or other bytes, is refused with corrupt", async () => {
    for (const change of [
      (content: Uint8Array) => content.subarray(1),
      (content: Uint8Array) => Uint8Array.from([...content, 0]),
      (content: Uint8Array) => content.map((byte) => byte ^ 1),
      () => new Uint8Array(10_000_000),
    ]) {
      stub(change);
      await expect(read()).rejects.toMatchObject({ code: "corrupt" });
    }
  });
});

describe("a page whose policy forbids WebAssembly", () => {
  it("rejects with denied, and reads without checksums", async () => {
    vi.stubGlobal("WebAssembly", { ...WebAssembly, instantiate: () => Promise.reject(new Error("refused")) });
    await expect(read()).rejects.toMatchObject({ code: "denied" });
    expect(await read({ checksum: false })).toEqual(value);
  });

  it("rejects a compressed write with denied, and names what allows it in pages and in workerd", async () => {
    vi.stubGlobal("WebAssembly", { ...WebAssembly, instantiate: () => Promise.reject(new Error("refused")) });
    await expect(compressed(encodeArchive(value))).rejects.toMatchObject({
      code: "denied",
      message: expect.stringMatching(/'wasm-unsafe-eval'.* nodejs_compat/),
    });
  });
});

describe("WebAssembly that does not start for another reason than a policy", () => {
  it("is said with that reason, by a read and by a write", async () => {
    const { instantiate } = WebAssembly;
    const start = (code: BufferSource, imports?: WebAssembly.Imports): unknown =>
      code.byteLength === 8
        ? instantiate(code, imports)
        : Promise.reject(new RangeError("could not allocate memory"));
    vi.stubGlobal("WebAssembly", { ...WebAssembly, instantiate: start });
    const failure = { code: "network", message: expect.stringMatching(/could not allocate memory/) };
    await expect(read()).rejects.toMatchObject(failure);
    await expect(compressed(encodeArchive(value))).rejects.toMatchObject(failure);
  });
});

it("an archive in a worker reads a compressed archive", async () => {
  const { port1, port2 } = new MessageChannel();
  const stop = serveArchives<Uint8Array>(
    (bytes, options) => openArchive(zstdSource(bytesSource(bytes)), options),
    port2 as unknown as RpcPort,
  );
  try {
    const archive = await workerArchive(file, { worker: port1 as unknown as RpcPort });
    expect(await archive.read("entry 7/name")).toEqual(value["entry 7" as never]!["name" as never]);
    await archive.close();
  } finally {
    stop();
    port1.close();
  }
});

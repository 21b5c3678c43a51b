import {
  ANY,
  type Archive,
  Ext,
  encodeArchive,
  NdArray,
  openArchive,
  PeekpackError,
  Simple,
  slice,
  Tagged,
  Timestamp,
  type Value,
} from "@peekpack/core";
import { afterEach, describe, expect, it } from "vitest";
import { type RpcPort, serveArchives, type WorkerArchive, workerArchive } from "../src/index.js";
import { deserializeValue, serializeValue } from "../src/serialized-value.js";
import { scriptAdvice } from "../src/worker-script.js";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Opens an archive over a message channel, as in a worker. */
async function openOverChannel(
  value: unknown,
  more: Parameters<typeof openArchive>[1] = {},
): Promise<WorkerArchive> {
  const { port1, port2 } = new MessageChannel();
  const stop = serveArchives<Uint8Array>(
    (bytes, options) => openArchive(bytes, { ...more, ...options }),
    port2 as unknown as RpcPort,
  );
  ends.push(() => {
    stop();
    port1.close();
  });
  return workerArchive(encodeArchive(value), { worker: port1 as unknown as RpcPort });
}

const copied = (value: Value): Value => {
  const { serialized, buffers } = serializeValue(value);
  return deserializeValue(structuredClone(serialized, { transfer: [...buffers] }));
};

describe("serialized values", () => {
  it("keep their classes at every position", () => {
    const make = (): Value => ({
      ext: new Ext(5, Uint8Array.of(1, 2, 3)),
      list: [new Tagged(30, [1, new Simple(7)]), new Timestamp(1n << 60n, 5), null, undefined, 1n << 70n],
      map: new Map<Value, Value>([
        [1, new Ext(6, new Uint8Array(0))],
        [new Timestamp(1, 2), "instant"],
      ]),
      set: new Set<Value>([new Timestamp(3, 4), "a"]),
      date: new Date(5),
      array: new NdArray(Float64Array.of(1, 2, 3, 4), [2, 2]),
      arrays: [new NdArray(Uint8Array.of(1, 0), [2], "bool")],
      inMap: new Map<Value, Value>([["a", new NdArray(Int32Array.of(1), [])]]),
    });
    const got = copied(make()) as { [key: string]: Value };
    expect(got).toStrictEqual(make());
    expect((got.array as NdArray).toNested()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(copied(new Timestamp(1, 2))).toStrictEqual(new Timestamp(1, 2));
    expect(copied(new NdArray(Int8Array.of(1), [1]))).toStrictEqual(new NdArray(Int8Array.of(1), [1]));
    expect(copied("text")).toBe("text");
  });

  it("keep own keys such as __proto__", () => {
    const odd = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}') as Value;
    const got = copied(odd) as object;
    expect(Object.keys(got)).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(got)).toBe(Object.prototype);
  });

  it("copy views of larger memory, and transfer other buffers", () => {
    const memory = new Uint8Array(1_000_000);
    const whole = new Uint8Array(1000);
    const { serialized, buffers } = serializeValue({ view: memory.subarray(10, 20), whole, again: whole });
    expect([...buffers].map(({ byteLength }) => byteLength).sort((a, b) => a - b)).toEqual([10, 1000]);
    expect(memory.length).toBe(1_000_000);
    const got = deserializeValue(structuredClone(serialized, { transfer: [...buffers] })) as {
      [key: string]: Uint8Array;
    };
    expect(got.view!.length).toBe(10);
    expect(got.again).toBe(got.whole);
    expect(whole.length).toBe(0);
  });

  it("may be nested as deep as an archive", () => {
    let deep: Value = 1;
    for (let i = 0; i < 400; i++) deep = [deep];
    expect(() => copied(deep)).not.toThrow();
  });
});

describe("an archive in a worker", () => {
  const value = {
    rows: Array.from({ length: 1000 }, (_, i) => ({ i, energy: i / 2, data: new Uint8Array(20).fill(i) })),
    ext: new Ext(5, Uint8Array.of(1)),
  };
  const both = async (): Promise<[WorkerArchive, Archive]> => [
    await openOverChannel(value),
    await openArchive(encodeArchive(value)),
  ];

  it("returns the same results as the archive", async () => {
    const [worker, here] = await both();
    expect(worker.info).toEqual(here.info);
    for (const path of [
      "rows/5",
      "ext",
      ["rows", 7, "data"],
      ["rows", slice(3, 9, 2)],
      "rows/-1/i",
    ] as const) {
      expect(await worker.read(path)).toStrictEqual(await here.read(path));
    }
    expect(await worker.read()).toStrictEqual(value);
    expect(await worker.readMany(["rows/1", ["ext"]])).toStrictEqual(
      await here.readMany(["rows/1", ["ext"]]),
    );
    expect(await worker.keys()).toEqual(["rows", "ext"]);
    expect(await worker.size("rows")).toBe(1000);
    expect(await worker.has("rows/999")).toBe(true);
    expect(await worker.has("rows/1000")).toBe(false);
    expect(await worker.index()).toEqual(here.index());
    expect((await worker.stats()).failures).toBe(0);
  });

  it("selects the same items as the archive", async () => {
    const [worker, here] = await both();
    for (const pattern of ["rows/*/energy", ["rows", ANY, "i"], "rows/5:8/data", "none/*"] as const) {
      const got = [];
      for await (const item of worker.select(pattern)) got.push(item);
      expect(got).toEqual(await here.select(pattern).toArray());
    }
    for await (const { path } of worker.select("rows/*")) {
      expect(path).toEqual(["rows", 0]);
      break;
    }
  });

  it("rejects with the same errors as the archive", async () => {
    const worker = await openOverChannel(value);
    const error = await worker.read("rows/5/none").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PeekpackError);
    expect(error).toMatchObject({ code: "not-found", path: ["rows", "5", "none"] });
    await expect(worker.read(5 as unknown as string)).rejects.toBeInstanceOf(TypeError);
    const { port1, port2 } = new MessageChannel();
    ends.push(() => port1.close());
    serveArchives<Uint8Array>((bytes) => openArchive(bytes), port2 as unknown as RpcPort);
    const opening = workerArchive(new Uint8Array(100), { worker: port1 as unknown as RpcPort });
    await expect(opening).rejects.toMatchObject({ code: "not-an-archive" });
  });

  it("is served by the first serveArchives of its port, until that stops", async () => {
    const { port1, port2 } = new MessageChannel();
    ends.push(() => port1.close());
    const [near, far] = [port1, port2] as unknown as RpcPort[];
    // Simulates a browser that evaluates a worker's entry twice.
    const serve = (): (() => void) => serveArchives<Uint8Array>((bytes) => openArchive(bytes), far);
    const stop = serve();
    const worker = await workerArchive(encodeArchive(value), { worker: near });
    serve()();
    serve();
    expect(await worker.read("rows/5")).toEqual(value.rows[5]);
    stop();
    ends.push(serve());
    await expect(worker.read("rows/5")).rejects.toMatchObject({ code: "closed" });
  });

  it("forwards an abort, and rejects with its reason", async () => {
    let seen: AbortSignal | undefined;
    const { port1, port2 } = new MessageChannel();
    ends.push(() => port1.close());
    const bytes = encodeArchive(value);
    serveArchives<null>(
      () =>
        openArchive(
          {
            label: "slow",
            probe: async () => ({ size: bytes.length, head: bytes, tail: bytes }),
            read: (_, options) => {
              seen = options?.signal;
              return new Promise((_, reject) => seen?.addEventListener("abort", () => reject(seen?.reason)));
            },
          },
          { cacheBytes: 0, tableBytes: 0 },
        ),
      port2 as unknown as RpcPort,
    );
    const worker = await workerArchive(null, { worker: port1 as unknown as RpcPort });
    const controller = new AbortController();
    const read = worker.read("rows/5", { signal: controller.signal });
    await expect.poll(() => seen !== undefined).toBe(true);
    controller.abort("enough");
    await expect(read).rejects.toBe("enough");
    await expect.poll(() => seen?.aborted).toBe(true);
    await expect(worker.read("rows/5", { signal: AbortSignal.abort("late") })).rejects.toBe("late");
  });

  it("emits request events", async () => {
    const { port1, port2 } = new MessageChannel();
    ends.push(() => port1.close());
    const bytes = encodeArchive(value);
    serveArchives<null>(
      (_, options) =>
        openArchive(
          {
            label: "memory",
            probe: async ({ head, tail }) => ({
              size: bytes.length,
              head: bytes.slice(0, head),
              tail: bytes.slice(-tail),
            }),
            async read(ranges, read) {
              for (const range of ranges) {
                read?.onRequest?.({
                  label: "memory",
                  reason: "data",
                  attempt: 1,
                  from: "network",
                  bytes: range.end - range.start,
                  startedAt: 0,
                  ms: 1,
                  range,
                });
              }
              return ranges.map(({ start, end }) => bytes.slice(start, end));
            },
          },
          options,
        ),
      port2 as unknown as RpcPort,
    );
    const events: string[] = [];
    const worker = await workerArchive(null, {
      worker: port1 as unknown as RpcPort,
      tailBytes: 100,
      onRequest: ({ label }) => events.push(label),
    });
    await worker.read("rows/500");
    await expect.poll(() => events.length).toBeGreaterThan(0);
    await worker.close();
    await expect(worker.read("rows/5")).rejects.toMatchObject({ code: "closed" });
  });
});

describe("a worker whose script cannot be loaded", () => {
  it("rejects with network, names the remedy, and is ended", async () => {
    let ended = false;
    const makeWorker = (): Worker => {
      const worker = Object.assign(new EventTarget(), {
        postMessage: () => setTimeout(() => worker.dispatchEvent(new Event("error"))),
        terminate: () => (ended = true),
      });
      return worker as unknown as Worker;
    };
    const opening = workerArchive("https://example.org/data.msglc", { worker: makeWorker });
    await expect(opening).rejects.toMatchObject({
      code: "network",
      message: expect.stringContaining("@peekpack/web-storage/archive-worker"),
    });
    expect(ended).toBe(true);
  });

  it("is named by its URL where a server serves the module that starts it", () => {
    const advice = scriptAdvice("opfs-worker", "https://example.org/assets/index.js");
    expect(advice).toContain("https://example.org/assets/opfs-worker.js");
    expect(scriptAdvice("opfs-worker", "file:///home/index.js")).not.toContain("file:");
  });
});

it("reads a page of keys in a worker", async () => {
  const archive = await openOverChannel({ a: 1, b: 2, c: 3 });
  expect(await archive.keys([], { start: 1, limit: 1 })).toEqual(["b"]);
});

import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type Archive,
  encodeArchive,
  encodeNumpyPickle,
  type LazyMap,
  NdArray,
  type openArchive,
} from "../src/index.js";
import { observedSource } from "./observed-source.js";

afterEach(() => {
  vi.doUnmock("../src/codec/cbor.js");
  vi.doUnmock("../src/numpy/revive.js");
  vi.doUnmock("../src/reader/handles.js");
  vi.doUnmock("../src/reader/number-column.js");
  vi.doUnmock("../src/reader/open-kept.js");
  vi.doUnmock("../src/reader/page-index.js");
  vi.doUnmock("../src/reader/queries.js");
  vi.doUnmock("../src/reader/raw.js");
  vi.doUnmock("../src/reader/select.js");
  vi.doUnmock("../src/source/local-source.js");
  vi.resetModules();
});

const value = { numbers: Array.from({ length: 100 }, (_, index) => index + 0.5), text: "a" };
const many = Object.fromEntries(
  Array.from({ length: 20_000 }, (_, index) => [`key ${index}`, [`${index}`.repeat(9)]]),
);

interface Feature {
  /** As the message names it, if that differs. */
  readonly feature?: string;
  readonly module: string;
  readonly bytes: () => Promise<Uint8Array>;
  readonly expected: unknown;
  readonly use: (open: typeof openArchive, bytes: Uint8Array) => Promise<unknown>;
}

/** Opens an archive, uses it and closes it. */
const within =
  <T>(use: (archive: Archive) => Promise<T>, options: Parameters<typeof openArchive>[1] = {}) =>
  async (open: typeof openArchive, bytes: Uint8Array): Promise<T> => {
    const archive = await open(observedSource(bytes), options);
    try {
      return await use(archive);
    } finally {
      await archive.close();
    }
  };

const features: Readonly<Record<string, Feature>> = {
  CBOR: {
    module: "../src/codec/cbor.js",
    bytes: async () => encodeArchive(value, { codec: "cbor" }),
    expected: value,
    use: within((archive) => archive.read()),
  },
  handles: {
    module: "../src/reader/handles.js",
    bytes: async () => encodeArchive(value, { smallObjectThreshold: 8 }),
    expected: ["numbers", "text"],
    use: within(async (archive) => ((await archive.get()) as LazyMap).keys().toArray()),
  },
  keys: {
    feature: "keys, entries and sizes",
    module: "../src/reader/queries.js",
    bytes: async () => encodeArchive(value),
    expected: Object.keys(value),
    use: within((archive) => archive.keys().toArray()),
  },
  entries: {
    feature: "keys, entries and sizes",
    module: "../src/reader/queries.js",
    bytes: async () => encodeArchive(value),
    expected: Object.entries(value),
    use: within((archive) => archive.entries().toArray()),
  },
  size: {
    feature: "keys, entries and sizes",
    module: "../src/reader/queries.js",
    bytes: async () => encodeArchive(value),
    expected: 2,
    use: within((archive) => archive.size()),
  },
  "typed arrays": {
    module: "../src/reader/number-column.js",
    bytes: async () => encodeArchive(value),
    expected: new Float64Array(value.numbers),
    use: within((archive) => archive.toTypedArray("numbers", "float64")),
  },
  select: {
    module: "../src/reader/select.js",
    bytes: async () => encodeArchive(value),
    expected: [{ path: ["text"], value: "a" }],
    use: within((archive) => archive.select("text").toArray()),
  },
  "raw bytes": {
    module: "../src/reader/raw.js",
    bytes: async () => encodeArchive(value),
    expected: new Uint8Array([0xa1, 0x61]),
    use: within((archive) =>
      new Response(archive.raw("text") as ReadableStream<Uint8Array<ArrayBuffer>>).bytes(),
    ),
  },
  "numpy arrays": {
    module: "../src/numpy/revive.js",
    bytes: async () => encodeArchive({ array: encodeNumpyPickle(new NdArray(Int8Array.of(1, 2), [2])) }),
    expected: [1, 2],
    use: within(async (archive) => ((await archive.read("array")) as NdArray).toNested()),
  },
  "bytes and Blobs": {
    module: "../src/source/local-source.js",
    bytes: async () => encodeArchive(value),
    expected: "a",
    use: async (open, bytes) => (await open(bytes)).read("text"),
  },
  "kept indexes": {
    module: "../src/reader/open-kept.js",
    bytes: async () => encodeArchive(value),
    expected: "a",
    async use(open, bytes) {
      const index = (await open(observedSource(bytes))).index();
      return (await open(observedSource(bytes), { index })).read("text");
    },
  },
  "page indexes": {
    module: "../src/reader/page-index.js",
    bytes: async () => encodeArchive(many, { pageIndex: true, smallObjectThreshold: 8 }),
    expected: "17".repeat(9),
    use: within((archive) => archive.read(["key 17", 0]), { headBytes: 4096, tailBytes: 4096 }),
  },
};

describe.each(Object.entries(features))(
  "without the code for %s",
  (name, { feature = name, module, bytes, use, expected }) => {
    it("rejects with `network`, and loads the code at the next attempt", async () => {
      const archive = await bytes();
      vi.resetModules();
      vi.doMock(module, () => {
        throw new Error("Failed to fetch dynamically imported module");
      });
      // Not the index: what it exports, as `LazyMap`, is loaded with it.
      const { openArchive: open } = await import("../src/reader/open-archive.js");
      await expect(use(open, archive)).rejects.toMatchObject({
        name: "PeekpackError",
        code: "network",
        message: expect.stringContaining(`The code for ${feature} could not be loaded.`),
      });
      vi.doUnmock(module);
      expect(await use(open, archive)).toEqual(expected);
    });
  },
);

import { bytesSource, encodeArchive, isPeekpackError, openArchive, type RangeSource } from "@peekpack/core";
import { seeded } from "@peekpack/testing/contracts/range-source";
import { beforeAll, describe, expect, it } from "vitest";
import { frameDecoder } from "../src/frame-decoder.js";
import { decodeFrameHeader } from "../src/frame-header.js";
import { zstdSource } from "../src/index.js";
import { compressed, sample } from "./compressed.js";

/** One entry of a table of frames. */
interface Entry {
  compressed: number;
  content: number;
}

/** A table of frames without checksums. */
function tableOf(entries: readonly Entry[]): Uint8Array {
  const bytes = new Uint8Array(8 + 8 * entries.length + 9);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x184d2a5e, true);
  view.setUint32(4, bytes.length - 8, true);
  for (const [i, { compressed, content }] of entries.entries()) {
    view.setUint32(8 + 8 * i, compressed, true);
    view.setUint32(12 + 8 * i, content, true);
  }
  view.setUint32(bytes.length - 9, entries.length, true);
  view.setUint32(bytes.length - 4, 0x8f92eab1, true);
  return bytes;
}

const join = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

/** A file of one frame, whose table says what it holds. */
const file = (frame: Uint8Array, content: number): RangeSource =>
  zstdSource(bytesSource(join(frame, tableOf([{ compressed: frame.length, content }]))));

/** A frame of blocks that repeat a byte, which declares so much content. Without a size it declares a window. */
function bomb(blocks: number, declared: number | undefined, window = 0): Uint8Array {
  const head =
    declared === undefined
      ? [0, window]
      : [0xa0, declared & 255, (declared >> 8) & 255, (declared >> 16) & 255, declared >>> 24];
  const body: number[] = [];
  for (let i = 0; i < blocks; i++) {
    const block = (131_072 << 3) | (1 << 1) | (i === blocks - 1 ? 1 : 0);
    body.push(block & 255, (block >> 8) & 255, block >> 16, 0);
  }
  return Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, ...head, ...body]);
}

const readAll = async (source: RangeSource): Promise<Uint8Array> => {
  const { size } = await source.probe({ head: 0, tail: 0 });
  return (await source.read([{ start: 0, end: size }]))[0]!;
};

describe("a table of frames that lies", () => {
  const frame = bomb(1, 131_072);

  it("reads the file that the other tests damage", async () => {
    expect((await readAll(file(frame, 131_072))).length).toBe(131_072);
  });

  it.each([
    ["a content that is longer than the frame's", 131_073],
    ["a content that is shorter than the frame's", 131_071],
  ])("rejects %s with corrupt", async (_, content) => {
    await expect(readAll(file(frame, content))).rejects.toMatchObject({ code: "corrupt" });
  });

  it("rejects frames that overlap, exceed the file, or leave a gap with corrupt", async () => {
    for (const entries of [
      [
        { compressed: frame.length, content: 131_072 },
        { compressed: 5, content: 131_072 },
      ],
      [{ compressed: frame.length + 1, content: 131_072 }],
      [{ compressed: frame.length - 1, content: 131_072 }],
      [{ compressed: 0, content: 131_072 }],
      [],
    ]) {
      const source = zstdSource(bytesSource(join(frame, tableOf(entries))));
      await expect(readAll(source)).rejects.toMatchObject({ code: "corrupt" });
    }
  });

  it("rejects a number of frames that the file cannot hold with corrupt", async () => {
    for (const frames of [2, 1000, 2 ** 27, 2 ** 32 - 1]) {
      const table = tableOf([{ compressed: frame.length, content: 131_072 }]);
      new DataView(table.buffer).setUint32(table.length - 9, frames, true);
      await expect(readAll(zstdSource(bytesSource(join(frame, table))))).rejects.toMatchObject({
        code: "corrupt",
      });
    }
  });

  it("rejects a long table without directory with limit before it is read", async () => {
    const entries = [{ compressed: frame.length, content: 131_072 }];
    for (let i = 0; i < 200; i++) entries.push({ compressed: 0, content: 0 });
    const bytes = join(frame, tableOf(entries));
    await expect(readAll(zstdSource(bytesSource(bytes), { maxTableBytes: 1000 }))).rejects.toMatchObject({
      code: "limit",
    });
    expect((await readAll(zstdSource(bytesSource(bytes)))).length).toBe(131_072);
  });

  it("rejects a frame that is much larger than its content with corrupt", async () => {
    const long = join(frame, new Uint8Array(10_000));
    await expect(readAll(file(long, 10))).rejects.toMatchObject({ code: "corrupt" });
  });
});

describe("a bomb", () => {
  it("is refused with limit before memory is taken, if the table announces it", async () => {
    const frame = bomb(8192, 2 ** 30);
    expect(frame.length).toBeLessThan(40_000);
    await expect(readAll(file(frame, 2 ** 30))).rejects.toMatchObject({ code: "limit" });
    const raised = zstdSource(
      bytesSource(join(frame, tableOf([{ compressed: frame.length, content: 2 ** 30 }]))),
      {
        maxFrameBytes: 2 ** 20,
      },
    );
    await expect(readAll(raised)).rejects.toMatchObject({ code: "limit" });
  });

  it("is refused with corrupt if frame and table disagree, whatever the frame declares", async () => {
    await expect(readAll(file(bomb(8192, 2 ** 30), 65_536))).rejects.toMatchObject({ code: "corrupt" });
    // 100 blocks of 128 KiB, with a window of 1 MiB and no size.
    await expect(readAll(file(bomb(100, undefined, 10 << 3), 65_536))).rejects.toMatchObject({
      code: "corrupt",
    });
    await expect(readAll(file(bomb(100, 65_536), 65_536))).rejects.toMatchObject({ code: "corrupt" });
  });

  it("is refused with limit if it needs a window of gigabytes", async () => {
    // 2^31 bytes, and the largest there is.
    for (const window of [21 << 3, 255]) {
      await expect(readAll(file(bomb(1, undefined, window), 131_072))).rejects.toMatchObject({
        code: "limit",
      });
    }
  });

  it("does not make the decoder in JavaScript write more than the content", () => {
    const frame = bomb(8192, 2 ** 30);
    expect(() => frameDecoder()(frame, decodeFrameHeader(frame), 65_536)).toThrow(
      expect.objectContaining({ code: "corrupt" }),
    );
  });

  it("ends for Huffman weights whose states take no bits", () => {
    // A tree whose weights are one symbol for ever: some decoders never return.
    const literals = [5, 0xf0, 0x03, 0, 0, 0x08];
    const head = 2 | (4 << 4) | ((literals.length + 1) << 14);
    const body = [head & 255, (head >> 8) & 255, head >> 16, ...literals, 1, 0];
    const block = (body.length << 3) | (2 << 1) | 1;
    const frame = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 16, block & 255, block >> 8, 0, ...body]);
    expect(() => frameDecoder()(frame, decodeFrameHeader(frame), 16)).toThrow(
      expect.objectContaining({ code: "corrupt" }),
    );
  });
});

describe("a compressed archive that is opened without zstdSource", () => {
  it("rejects with not-an-archive, and the message names the package", async () => {
    const written = await compressed(encodeArchive(sample(10)));
    // Another writer may begin with a skippable frame.
    const skippable = join(Uint8Array.of(0x5d, 0x2a, 0x4d, 0x18, 0, 0, 0, 0), written);
    for (const bytes of [written, skippable]) {
      await expect(openArchive(bytes)).rejects.toMatchObject({
        code: "not-an-archive",
        message: expect.stringContaining("@peekpack/zstd"),
      });
    }
    await expect(openArchive(new Uint8Array(100))).rejects.not.toMatchObject({
      message: expect.stringContaining("@peekpack/zstd"),
    });
  });
});

describe("what is not in the format", () => {
  it("rejects an archive that is not compressed with not-an-archive", async () => {
    await expect(openArchive(zstdSource(bytesSource(encodeArchive(sample(10)))))).rejects.toMatchObject({
      code: "not-an-archive",
      message: expect.stringContaining("not compressed"),
    });
  });

  it("rejects Zstandard without a table of frames with not-an-archive", async () => {
    await expect(openArchive(zstdSource(bytesSource(bomb(1, 131_072))))).rejects.toMatchObject({
      code: "not-an-archive",
      message: expect.stringContaining("seekable"),
    });
    await expect(openArchive(zstdSource(bytesSource(new Uint8Array(0))))).rejects.toMatchObject({
      code: "not-an-archive",
    });
  });

  it("rejects a frame that needs a dictionary with unsupported-value", async () => {
    const frame = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 4, 0x21, 0, 0, 1, 2, 3, 4]);
    await expect(readAll(file(frame, 4))).rejects.toMatchObject({ code: "unsupported-value" });
  });
});

describe("damaged files", () => {
  let whole: Uint8Array;
  const value = sample(300);
  beforeAll(async () => {
    whole = await compressed(encodeArchive(value), { frameBytes: 4096 });
  });

  it("gives the right value or a typed error for every damage", { timeout: 60_000 }, async () => {
    const random = seeded(13);
    const text = JSON.stringify(value);
    const started = performance.now();
    const codes = new Map<string, number>();
    let rounds = 0;
    for (; rounds < 600 && performance.now() - started < 30_000; rounds++) {
      const bytes = damage(whole, random);
      try {
        const archive = await openArchive(zstdSource(bytesSource(bytes)));
        expect(JSON.stringify(await archive.read()) === text, `round ${rounds}`).toBe(true);
        codes.set("none", (codes.get("none") ?? 0) + 1);
      } catch (error) {
        if (!isPeekpackError(error)) throw error;
        codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
      }
    }
    expect(rounds).toBeGreaterThan(50);
    expect([...codes.keys()].filter((code) => !EXPECTED.has(code))).toEqual([]);
  });

  it("never lets the decoder in JavaScript throw anything else, or return another length", {
    timeout: 60_000,
  }, () => {
    const random = seeded(14);
    const started = performance.now();
    const decode = frameDecoder();
    // The first frame of the data follows the header's.
    const size = 4096;
    const start = 50;
    const frame = whole.subarray(start, start + 2000);
    const end = frameEnd(frame);
    for (let round = 0; round < 20_000 && performance.now() - started < 20_000; round++) {
      const bytes = damage(frame.subarray(0, end), random);
      try {
        const header = decodeFrameHeader(bytes);
        expect(decode(bytes, header, size).length).toBe(size);
      } catch (error) {
        if (!isPeekpackError(error)) throw error;
      }
    }
  });
});

const EXPECTED = new Set([
  "none",
  "corrupt",
  "not-an-archive",
  "limit",
  "truncated",
  "unsupported-value",
  "changed",
]);

/** Changes a few bytes, or cuts, or repeats a piece. */
function damage(bytes: Uint8Array, random: () => number): Uint8Array {
  const below = (limit: number): number => Math.floor(random() * limit);
  const kind = below(5);
  if (kind === 0) return bytes.slice(0, below(bytes.length));
  if (kind === 1) {
    const at = below(bytes.length);
    return join(bytes.subarray(0, at), bytes.subarray(at - below(at + 1)));
  }
  const copy = bytes.slice();
  for (let i = 1 + below(4); i > 0; i--) {
    // Half of the changes hit the table.
    const at = kind === 2 ? bytes.length - 1 - below(Math.min(bytes.length, 400)) : below(bytes.length);
    copy[at] = below(256);
  }
  return copy;
}

/** Where a frame ends. */
function frameEnd(bytes: Uint8Array): number {
  const header = decodeFrameHeader(bytes);
  let at = header.length;
  for (;;) {
    const head = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    at += 3 + (((head >> 1) & 3) === 1 ? 1 : head >> 3);
    if (head & 1) return at + (header.checksum ? 4 : 0);
  }
}

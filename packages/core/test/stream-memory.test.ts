import { expect, it } from "vitest";
import { mapOf, openArchive, writeArchive } from "../src/index.js";
import { liveBytes } from "./heap.js";
import { observedSource } from "./observed-source.js";

const KiB = 1024;
const MiB = 1024 * KiB;
const COUNT = 10;

/** 10 × 10 × 10 strings of 256 KiB, created when they are iterated. */
async function* nest(depth: number, made: { texts: number }): AsyncGenerator<[string, unknown]> {
  for (let i = 0; i < COUNT; i++) {
    yield [
      `key ${i}`,
      depth === 0 ? `${made.texts++} `.padEnd(256 * KiB, "x") : mapOf(nest(depth - 1, made)),
    ];
  }
}

it.each(["msgpack", "cbor"] as const)(
  "writes 250 MB of nested streams in less than 50 MiB of memory, in %s",
  {
    timeout: 120_000,
  },
  async (codec) => {
    const made = { texts: 0 };
    const pieces: Uint8Array[] = [];
    let size = 0;
    let most = 0;
    let sinceLook = 0;
    const before = liveBytes();
    await writeArchive(
      {
        async write(chunk) {
          size += chunk.length;
          sinceLook += chunk.length;
          if (sinceLook > 10 * MiB) {
            sinceLook = 0;
            most = Math.max(most, liveBytes() - before);
          }
          // The last chunk is the table.
          pieces[0] = chunk;
        },
        async finish(header) {
          pieces.unshift(header);
          return { size: size + header.length };
        },
        async abort() {},
      },
      mapOf(nest(2, made)),
      { codec },
    );
    expect(made.texts).toBe(1000);
    expect(size).toBeGreaterThan(250 * MiB);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(50 * MiB);

    // Opened from header and table alone: every string has a node.
    const [header, toc] = pieces as [Uint8Array, Uint8Array];
    const source = observedSource(new Uint8Array(0));
    const archive = await openArchive({
      ...source,
      probe: async () => ({ size: 50 + size, head: header, tail: toc }),
      read: async () => [],
    });
    expect(archive.info.tocBytes).toBe(toc.length);
    expect(await archive.has("key 9/key 9/key 9")).toBe(true);
    expect(await archive.size("key 0/key 0")).toBe(10);
  },
);

it("retains only a few numbers per item of a streamed list of 300,000", { timeout: 120_000 }, async () => {
  const before = liveBytes();
  let most = 0;
  async function* items(): AsyncGenerator<string> {
    for (let i = 0; i < 300_000; i++) {
      if (i % 50_000 === 49_999) most = Math.max(most, liveBytes() - before);
      yield `item ${i} ${"x".repeat(100)}`;
    }
  }
  const { listOf } = await import("../src/index.js");
  const { size } = await writeArchive(
    { write: async () => {}, finish: async () => ({ size: 1 }), abort: async () => {} },
    listOf(items(), { count: 300_000 }),
  );
  expect(size).toBe(1);
  // 34 MB of data; only the table is retained.
  expect(most).toBeLessThan(20 * MiB);
});

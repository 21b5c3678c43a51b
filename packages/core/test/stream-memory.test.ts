import { expect, it } from "vitest";
import { mapOf, openArchive, writeArchive } from "../src/index.js";
import { liveBytes } from "./heap.js";
import { observedSource } from "./observed-source.js";

const KiB = 1024;
const MiB = 1024 * KiB;
const COUNT = 10;

/** 10 × 10 × 10 texts of 256 KiB, made when they are reached. */
async function* nest(depth: number, made: { texts: number }): AsyncGenerator<[string, unknown]> {
  for (let i = 0; i < COUNT; i++) {
    yield [
      `key ${i}`,
      depth === 0 ? `${made.texts++} `.padEnd(256 * KiB, "x") : mapOf(nest(depth - 1, made)),
    ];
  }
}

it.each(["msgpack", "cbor"] as const)(
  "250 MB in nested streams take less than 50 MiB, in %s",
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
          // The table is the last: it is looked at below.
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

    // Opened from header and table alone: every text has its entry.
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

it("a list of 300,000 items, streamed, keeps a few numbers of each", { timeout: 120_000 }, async () => {
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
  // 34 MB of data; what is kept makes the table.
  expect(most).toBeLessThan(20 * MiB);
});

import { Random, seedOfRun } from "@peekpack/testing/fuzz";
import { describe, expect, it } from "vitest";
import {
  type Archive,
  combineArchives,
  encodeArchive,
  memorySink,
  openArchive,
  type Path,
} from "../src/index.js";
import { observedSource } from "./observed-source.js";
import { collected } from "./outcome.js";
import { everyKind, places } from "./places.js";

const seed = seedOfRun();
const COUNT = 10_000;
const document = everyKind();
const tree = { a: document, b: { c: document }, numbers: Array.from({ length: 20_000 }, (_, i) => i) };
const every = [...places(tree)].filter(({ path }) => path.length > 1 || path[0] === "numbers");

async function combined(): Promise<Uint8Array> {
  const sink = memorySink();
  const children = Object.entries(tree).map(([name, value]) => ({ name, value }));
  await combineArchives(sink, children, { smallObjectThreshold: 256, codec: "cbor" });
  return sink.bytes();
}

/** Answers after a while that differs from request to request, so that they come out of order. */
const disorder = (random: Random) => (): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, random.chance(0.5) ? 0 : random.integer(0, 8)));

const MEDIA: readonly (readonly [string, (bytes: Uint8Array) => Promise<Archive>])[] = [
  ["from memory", (bytes) => openArchive(bytes)],
  [
    "from a slow source, out of order",
    (bytes) => openArchive(observedSource(bytes, { pause: disorder(new Random(seed)) })),
  ],
  [
    "from a slow source, nothing kept",
    (bytes) =>
      openArchive(observedSource(bytes, { pause: disorder(new Random(seed)) }), {
        cacheBytes: 0,
        tocCacheBytes: 1000,
        concurrency: 50,
      }),
  ],
];

describe(`10,000 reads at once on one archive (PEEKPACK_SEED=${seed})`, () => {
  for (const [medium, open] of MEDIA) {
    for (const [shape, make] of [
      ["indexed", () => encodeArchive(tree, { smallObjectThreshold: 256 })],
      ["combined", combined],
    ] as const) {
      it(`${shape}, ${medium}: all right`, { timeout: 120_000 }, async () => {
        const random = new Random(seed);
        const archive = await open(await make());
        const wanted = Array.from({ length: COUNT }, () => random.pick(every));
        const reads = wanted.map(({ path }, i) =>
          i % 10 === 0 ? archive.has(path as Path) : archive.read(path as Path),
        );
        let right = 0;
        for (const [i, read] of reads.entries()) {
          const got = await read;
          if (i % 10 === 0) expect(got).toBe(true);
          else if (typeof got !== "object" && Object.is(got, wanted[i]!.value)) right++;
          else expect(got).toEqual(wanted[i]!.value);
        }
        expect(right).toBeGreaterThan(COUNT / 10);
      });
    }
  }

  it("of every kind, and some aborted, do not disturb each other", async () => {
    const random = new Random(seed);
    const bytes = encodeArchive(tree, { smallObjectThreshold: 256 });
    const archive = await openArchive(observedSource(bytes, { pause: disorder(random) }), {
      cacheBytes: 100_000,
    });
    const work = Array.from({ length: 600 }, async (_, i) => {
      const { path, value } = random.pick(every);
      switch (i % 6) {
        case 0:
          expect(await archive.select(["numbers", random.integer(0, 19_999)]).toArray()).toHaveLength(1);
          break;
        case 1:
          expect((await collected(archive.raw(path as Path))).length).toBeGreaterThan(0);
          break;
        case 2: {
          const controller = new AbortController();
          const read = archive
            .read(path as Path, { signal: controller.signal })
            .catch((reason: unknown) => reason);
          setTimeout(() => controller.abort("left"), random.integer(0, 3));
          const got = await read;
          if (got !== "left") expect(got).toEqual(value);
          break;
        }
        case 3:
          expect(await archive.entries("b/c/leaf").toArray()).toHaveLength(4);
          break;
        case 4:
          expect(await archive.size("numbers")).toBe(20_000);
          break;
        default:
          expect(await archive.read(path as Path)).toEqual(value);
      }
    });
    await Promise.all(work);
  });
});

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { difference, fromTagged, type TaggedJson } from "@peekpack/testing/fixtures";
import { Random, randomTree, seedOfRun } from "@peekpack/testing/fuzz";
import { livePython, type MsglcPeer, skippedAsAbsent, startPeer } from "@peekpack/testing/python";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeArchive, memorySink, openArchive, type Path, writeArchive } from "../../src/index.js";
import { asRead } from "../as-read.js";
import { firstDifference } from "../bytes.js";

const live = await livePython();
const skipped = skippedAsAbsent("archives against the live msglc", live.absent);
const seed = seedOfRun();

/** Time budget of each combination of codec and profile. */
const BUDGET_MS = Number(process.env.PEEKPACK_LIVE_MS ?? 2000);

let directory: string;
let peer: MsglcPeer;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "peekpack-live-"));
  if (!skipped) peer = await startPeer();
});
afterAll(async () => {
  await peer?.close();
  await rm(directory, { recursive: true });
});

/** Some paths of a tree, as arrays of keys, to values that msglc can read. */
function somePaths(random: Random, tree: TaggedJson, count: number): TaggedJson[][] {
  const paths: TaggedJson[][] = [];
  for (let n = 0; n < count; n++) {
    const path: TaggedJson[] = [];
    for (let at = tree; path.length < 20; ) {
      const items = Array.isArray(at) ? at : ((at as { $tuple?: TaggedJson[] } | null)?.$tuple ?? undefined);
      const entries = (at as { $map?: [TaggedJson, TaggedJson][] } | null)?.$map;
      if (random.chance(0.1) || !(items?.length || entries?.length)) break;
      if (items !== undefined) {
        const index = random.integer(0, items.length - 1);
        path.push(index);
        at = items[index]!;
      } else {
        const [key, inner] = random.pick(entries!);
        path.push(key);
        at = inner;
      }
    }
    // The reference drops empty segments, also in arrays.
    if (path.length > 0 && !path.includes("")) paths.push(path);
  }
  return paths;
}

describe.skipIf(skipped)(`on random trees (PEEKPACK_SEED=${seed})`, () => {
  for (const codec of ["msgpack", "cbor"] as const) {
    for (const profile of ["python", "rust"] as const) {
      it(`writes the same bytes as the ${profile} backend in ${codec}, and both read them alike`, async () => {
        const random = new Random(seed);
        const theirs = join(directory, `${codec}-${profile}-theirs`);
        const ours = join(directory, `${codec}-${profile}-ours`);
        const end = Date.now() + BUDGET_MS;
        let trees = 0;
        for (; trees < 10 || Date.now() < end; trees++) {
          const threshold = random.pick([1, 2, 10, 40, 100, 256, 1000, 8192]);
          const trivial = random.integer(1, Math.min(30, threshold));
          const tree = randomTree(random, {
            bytes: random.pick([50, 500, 5000, 40_000]),
            exotic: profile === "python" ? codec : undefined,
          });
          const context = `tree ${trees}, threshold ${threshold}, trivial ${trivial}`;
          const settings = { codec, threshold, trivial };
          await peer.write({ ...settings, target: { file: theirs }, value: tree, backend: profile });
          const written = new Uint8Array(await readFile(theirs));
          const options = { codec, profile, smallObjectThreshold: threshold, trivialSize: trivial } as const;
          const encoded = encodeArchive(fromTagged(tree), options);
          expect(firstDifference(encoded, written), context).toBeUndefined();
          const sink = memorySink();
          await writeArchive(sink, await openArchive(written), options);
          expect(firstDifference(sink.bytes(), written), `${context}, repacked`).toBeUndefined();
          const archive = await openArchive(written);
          expect(difference(await archive.read(), asRead(tree)), context).toBeUndefined();
          if (trees % 4 !== 0) continue;

          await writeFile(ours, encoded);
          // msgspec reads keys that are not strings, except in blocks; msgpack reads none.
          const answers = await peer.read({
            source: { file: ours },
            codec: codec === "cbor" ? "cbor" : "msgspec",
            paths: ["", ...somePaths(random, tree, 12)],
            threshold,
            trivial,
          });
          const [all] = answers;
          if (all!.error === undefined) {
            expect(
              difference(fromTagged(all!.value), asRead(tree)),
              `${context}, read by msglc`,
            ).toBeUndefined();
          } else {
            expect(all!.error, context).toMatch(/strict_map_key|Ext|unhashable/);
          }
        }
        expect(trees).toBeGreaterThanOrEqual(10);
      });
    }
  }

  it("agrees on reads of single paths", async () => {
    const random = new Random(seed + 1);
    const file = join(directory, "paths");
    let compared = 0;
    for (let trees = 0; trees < 30; trees++) {
      const codec = random.pick(["msgpack", "cbor"] as const);
      const threshold = random.pick([1, 20, 100, 400]);
      const tree = randomTree(random, { bytes: 4000, oddKeys: false });
      await writeFile(file, encodeArchive(fromTagged(tree), { codec, smallObjectThreshold: threshold }));
      const paths = somePaths(random, tree, 40);
      const answers = await peer.read({ source: { file }, paths });
      const archive = await openArchive(new Uint8Array(await readFile(file)));
      for (const [i, path] of paths.entries()) {
        const { value, error } = answers[i]!;
        expect(error, JSON.stringify(path)).toBeUndefined();
        const ours = await archive.read(fromTagged(path, { floats: "number" }) as Path);
        // A slice of a set is a list.
        expect(difference(ours, value!), `tree ${trees}: ${JSON.stringify(path)}`).toBeUndefined();
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(100);
  });
});

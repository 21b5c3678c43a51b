import { readdirSync, readFileSync } from "node:fs";
import { combineArchives, encodeArchive, memorySink, NdArray } from "@peekpack/core";
import { fromTagged } from "../fixtures/notation.js";
import { Random } from "./random.js";
import { randomTree } from "./random-tree.js";

/** Archives to mutate. */
export interface Corpus {
  /** Picks an archive; small ones are more likely. */
  pick(random: Random): Uint8Array;
  readonly size: number;
}

/** Golden, damaged and generated archives, deterministic for a seed. */
export async function corpus(seed: number, generated = 150): Promise<Corpus> {
  const archives: Uint8Array[] = [];
  const damaged: Uint8Array[] = [];
  for (const [folder, into] of [
    ["archives", archives],
    ["corrupt", damaged],
  ] as const) {
    const root = new URL(`../../fixtures/${folder}/`, import.meta.url);
    for (const name of readdirSync(root).sort()) {
      into.push(Uint8Array.from(readFileSync(new URL(name, root))));
    }
  }
  const random = new Random(seed);
  const made: Uint8Array[] = [];
  for (let i = 0; i < generated; i++) {
    const codec = random.pick(["msgpack", "cbor"] as const);
    const tree = randomTree(random, { bytes: random.pick([40, 300, 2000]), exotic: codec });
    made.push(
      encodeArchive(
        [fromTagged(tree), i % 5 === 0 ? new NdArray(Float32Array.of(1, 2, 3, 4), [2, 2]) : null],
        {
          codec,
          numpy: "pickle",
          smallObjectThreshold: random.pick([0, 1, 20, 60, 200, 8192]),
          trivialSize: random.pick([1, 5, 20]),
          profile: codec === "cbor" ? "python" : random.pick(["python", "rust"] as const),
        },
      ),
    );
  }
  for (let i = 0; i < generated / 5; i++) {
    const sink = memorySink();
    const named = random.chance(0.5);
    const children = Array.from({ length: random.integer(1, 5) }, (_, n) => ({
      source: random.pick(made),
      ...(named ? { name: `child ${n}` } : {}),
    }));
    await combineArchives(sink, children, { codec: random.pick(["msgpack", "cbor"] as const) });
    made.push(sink.bytes());
  }
  // Their tables take several pages, so these are larger than the others.
  const indexed: Uint8Array[] = [];
  for (const codec of ["msgpack", "cbor"] as const) {
    for (const count of [1200, 2500]) {
      const entries = Array.from(
        { length: count },
        (_, i) => [`key ${i}`, `the value of the key ${i}`] as const,
      );
      const tree = random.chance(0.5) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
      indexed.push(
        encodeArchive(random.chance(0.5) ? [tree, { few: 1 }] : tree, {
          codec,
          pageIndex: true,
          smallObjectThreshold: 16,
        }),
      );
    }
  }
  const all = [...archives, ...made].sort((a, b) => a.length - b.length);
  return {
    size: all.length + damaged.length + indexed.length,
    pick(random) {
      if (random.chance(0.1)) return random.pick(damaged);
      if (random.chance(0.04)) return random.pick(indexed);
      return all[Math.floor(random.unit() ** 2 * all.length)]!;
    },
  };
}

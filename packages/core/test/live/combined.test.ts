import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { difference, fromTagged, type TaggedJson } from "@peekpack/testing/fixtures";
import { Random, randomTree, seedOfRun } from "@peekpack/testing/fuzz";
import { livePython, type MsglcPeer, PeerError, skippedAsAbsent, startPeer } from "@peekpack/testing/python";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  appendArchives,
  type CombineChild,
  combineArchives,
  encodeArchive,
  memorySink,
  openArchive,
  writeArchive,
} from "../../src/index.js";
import { asRead } from "../as-read.js";
import { firstDifference } from "../bytes.js";

const live = await livePython();
const skipped = skippedAsAbsent("combining and appending against the live msglc", live.absent);
const seed = seedOfRun();
/** Time budget of each combination of codec and profile. */
const BUDGET_MS = Number(process.env.PEEKPACK_LIVE_MS ?? 2000);
const CODECS = ["msgpack", "cbor"] as const;
type Protocol = (typeof CODECS)[number];
type Profile = "python" | "rust";

let directory: string;
let peer: MsglcPeer;
let files = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "peekpack-live-combined-"));
  if (!skipped) peer = await startPeer();
});
afterAll(async () => {
  await peer?.close();
  await rm(directory, { recursive: true });
});

const newFile = (): string => join(directory, `${files++}`);
const bytesOf = async (file: string): Promise<Uint8Array> => new Uint8Array(await readFile(file));

/** A child for both sides, with the value that is read from it. */
interface Twin {
  readonly ours: CombineChild;
  readonly theirs:
    | { readonly name?: string; readonly source: { readonly file: string } }
    | { readonly name?: string; readonly value: TaggedJson };
  readonly value: TaggedJson;
}

interface Outer {
  readonly codec: Protocol;
  readonly profile: Profile;
}

/** Children of random kinds: values, files, open archives, combined archives. */
async function someChildren(
  random: Random,
  { profile }: Outer,
  names: readonly (string | undefined)[],
  depth: number,
): Promise<Twin[]> {
  const twins: Twin[] = [];
  for (const name of names) {
    const named = name === undefined ? {} : { name };
    const kind = random.integer(0, depth === 0 ? 2 : 3);
    if (kind === 3) {
      const inner = { codec: random.pick(CODECS), profile };
      const { file, value } = await combinedFile(random, inner, depth - 1);
      twins.push({
        ours: { ...named, source: await bytesOf(file) },
        theirs: { ...named, source: { file } },
        value,
      });
      continue;
    }
    const tree = randomTree(random, { bytes: random.pick([10, 200, 12_000]), oddKeys: false });
    if (kind === 0) {
      // A child given as a value is encoded by the outer codec and backend.
      twins.push({
        ours: { ...named, value: fromTagged(tree) },
        theirs: { ...named, value: tree },
        value: tree,
      });
      continue;
    }
    const file = newFile();
    await writeFile(file, encodeArchive(fromTagged(tree), { codec: random.pick(CODECS), profile }));
    const bytes = await bytesOf(file);
    const source = kind === 1 ? bytes : await openArchive(new Blob([bytes as Uint8Array<ArrayBuffer>]));
    twins.push({ ours: { ...named, source }, theirs: { ...named, source: { file } }, value: tree });
  }
  return twins;
}

const namesFor = (random: Random, start: number): (string | undefined)[] => {
  const count = random.pick([1, 2, 3, 20]);
  return Array.from(
    { length: count },
    (_, i) => `${random.pick(["entry", "10", "ä", "a/b", "x".repeat(40)])}-${start + i}`,
  );
};

const together = (twins: readonly Twin[]): TaggedJson =>
  twins[0]!.ours.name === undefined
    ? twins.map(({ value }) => value)
    : { $map: twins.map(({ ours, value }) => [ours.name!, value]) };

/** Combines an archive by both sides, asserts equal bytes, and returns the file. */
async function combinedFile(
  random: Random,
  outer: Outer,
  depth: number,
  named: boolean = random.chance(0.6),
): Promise<{ file: string; value: TaggedJson; twins: Twin[] }> {
  const names = namesFor(random, 0).map((name) => (named ? name : undefined));
  const twins = await someChildren(random, outer, names, depth);
  const file = newFile();
  await peer.combine({
    target: { file },
    children: twins.map(({ theirs }) => theirs),
    codec: outer.codec,
    backend: outer.profile,
  });
  const sink = memorySink();
  const children = twins.map(({ ours }) => ours);
  async function* later(): AsyncGenerator<CombineChild> {
    yield* children;
  }
  await combineArchives(sink, random.chance(0.5) ? children : later(), outer);
  expect(firstDifference(sink.bytes(), await bytesOf(file))).toBeUndefined();
  return { file, value: together(twins), twins };
}

describe.skipIf(skipped)(`on random trees (PEEKPACK_SEED=${seed})`, () => {
  for (const codec of CODECS) {
    for (const profile of ["python", "rust"] as const) {
      it(`combines and appends to the same bytes as the ${profile} backend in ${codec}, and both read them alike`, async () => {
        const random = new Random(seed);
        const outer = { codec, profile };
        const end = Date.now() + BUDGET_MS;
        for (let round = 0; round < 4 || Date.now() < end; round++) {
          const { file, value, twins } = await combinedFile(random, outer, 2);
          expect(
            difference(await (await openArchive(await bytesOf(file))).read(), asRead(value)),
          ).toBeUndefined();

          const named = twins[0]!.ours.name !== undefined;
          const names = namesFor(random, 1000).map((name) => (named ? name : undefined));
          const more = await someChildren(random, outer, names, 1);
          const before = await bytesOf(file);
          const sink = memorySink();
          const children = more.map(({ ours }) => ours);
          await appendArchives({ source: before, sink }, children, { profile });
          await peer.append({
            target: { file },
            children: more.map(({ theirs }) => theirs),
            codec,
            backend: profile,
          });
          const appended = sink.bytes();
          expect(firstDifference(appended, await bytesOf(file)), `round ${round}, appended`).toBeUndefined();
          const all = together([...twins, ...more]);
          expect(difference(await (await openArchive(appended)).read(), asRead(all))).toBeUndefined();

          // msglc appends in place: the old bytes stay, and the header points to the new table.
          const parts: Uint8Array[] = [];
          const inPlace = newFile();
          await appendArchives(
            {
              source: before,
              inPlace: true,
              sink: {
                async write(chunk) {
                  parts.push(chunk);
                },
                async finish(header) {
                  const whole = Buffer.concat([before, ...parts]);
                  whole.set(header);
                  await writeFile(inPlace, whole);
                  return { size: whole.length };
                },
                async abort() {},
              },
            },
            children,
            { profile },
          );
          const ours = newFile();
          await writeFile(ours, appended);
          for (const written of [ours, inPlace]) {
            expect(
              difference(await (await openArchive(await bytesOf(written))).read(), asRead(all)),
            ).toBeUndefined();
            const seen = fromTagged(await peer.readAll({ file: written }));
            expect(difference(seen, asRead(all)), `round ${round}, read by msglc`).toBeUndefined();
          }
        }
      });
    }
  }

  it("alternates with msglc in appending to one archive", async () => {
    const random = new Random(seed + 1);
    for (const codec of CODECS) {
      const outer = { codec, profile: "python" } as const;
      const { file, twins } = await combinedFile(random, outer, 1, true);
      const all = [...twins];
      for (let turn = 0; turn < 6; turn++) {
        const more = await someChildren(random, outer, [`turn-${turn}`], 1);
        all.push(...more);
        if (turn % 2 === 0) {
          await peer.append({ target: { file }, children: more.map(({ theirs }) => theirs), codec });
        } else {
          const sink = memorySink();
          await appendArchives(
            { source: await bytesOf(file), sink },
            more.map(({ ours }) => ours),
          );
          await writeFile(file, sink.bytes());
        }
        const expected = asRead(together(all));
        expect(difference(fromTagged(await peer.readAll({ file })), expected)).toBeUndefined();
        expect(difference(await (await openArchive(await bytesOf(file))).read(), expected)).toBeUndefined();
      }
    }
  });

  it("repacks to the same bytes as msglc", async () => {
    const random = new Random(seed + 2);
    for (const codec of CODECS) {
      const { file, value } = await combinedFile(random, { codec, profile: "python" }, 2);
      const again = newFile();
      await peer.write({ target: { file: again }, value: asRead(value), codec });
      const sink = memorySink();
      await writeArchive(sink, await openArchive(await bytesOf(file)), { codec });
      expect(firstDifference(sink.bytes(), await bytesOf(again))).toBeUndefined();
    }
  });

  it("extracts a child that msglc can read", async () => {
    const random = new Random(seed + 3);
    const { file, twins } = await combinedFile(random, { codec: "cbor", profile: "python" }, 1, true);
    const archive = await openArchive(await bytesOf(file));
    for (const { ours, value } of twins) {
      const child = newFile();
      await writeFile(child, archive.raw([ours.name!]) as never);
      expect(difference(fromTagged(await peer.readAll({ file: child })), asRead(value))).toBeUndefined();
    }
  });

  it("rejects the same children as msglc", async () => {
    const a = newFile();
    const list = newFile();
    const map = newFile();
    const plain = newFile();
    await writeFile(a, encodeArchive([1]));
    await writeFile(plain, "this is no archive, however long it may be: it has not got the magic");
    const child = { source: { file: a } };
    await peer.combine({ target: { file: list }, children: [child], codec: "msgpack" });
    await peer.combine({ target: { file: map }, children: [{ ...child, name: "x" }], codec: "msgpack" });
    const target = { file: newFile() };
    const theirs = async (work: Promise<void>): Promise<void> => {
      await expect(work).rejects.toThrow(PeerError);
    };
    const ours = async (work: Promise<unknown>, code: string): Promise<void> => {
      await expect(work).rejects.toMatchObject({ code });
    };
    const source = await bytesOf(a);
    const codec = "msgpack";
    await theirs(peer.combine({ target, codec, children: [child, { ...child, name: "x" }] }));
    await ours(combineArchives(memorySink(), [{ source }, { source, name: "x" }]), "unsupported-value");
    await theirs(peer.combine({ target, codec, children: ["x", "x"].map((name) => ({ ...child, name })) }));
    await ours(
      combineArchives(
        memorySink(),
        ["x", "x"].map((name) => ({ source, name })),
      ),
      "duplicate-name",
    );
    await theirs(peer.combine({ target, codec, children: [{ source: { file: plain } }] }));
    await ours(combineArchives(memorySink(), [{ source: await bytesOf(plain) }]), "not-an-archive");
    for (const [file, name, code] of [
      [list, "y", "unsupported-value"],
      [map, undefined, "unsupported-value"],
      [map, "x", "duplicate-name"],
      [a, undefined, "unsupported-value"],
    ] as const) {
      const copy = newFile();
      await copyFile(file, copy);
      const named = name === undefined ? {} : { name };
      await theirs(peer.append({ target: { file: copy }, codec, children: [{ ...child, ...named }] }));
      const append = appendArchives({ source: await bytesOf(file), sink: memorySink() }, [
        { source, ...named },
      ]);
      await ours(append, code);
    }
  });
});

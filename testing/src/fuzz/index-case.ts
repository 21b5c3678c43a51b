import { isDeepStrictEqual } from "node:util";
import {
  type Archive,
  isPeekpackError,
  type OpenOptions,
  openArchive,
  type Path,
  type Value,
} from "@peekpack/core";
import type { Verdict } from "./exercise.js";
import { mutatedIndex } from "./index-mutation.js";
import type { IndexSubject } from "./index-subjects.js";
import { mutated } from "./mutation.js";
import { piecesSource } from "./pieces-source.js";
import { Random } from "./random.js";

/**
 * What a hostile index may lead to. It may hide what is there, or state another kind of node: only more of the table could
 * tell. A damaged index leads to no error: the whole table is read instead.
 */
const DAMAGED = new Set<string>();
const HOSTILE = new Set(["corrupt", "limit", "not-found", "bad-path"]);
/** A kept index begins with the header, which may then be anything. */
const KEPT = new Set([...HOSTILE, "not-an-archive", "unfinished", "truncated", "changed", "bad-path"]);
/** A share of the cases takes a large subject: it costs many times as much as the others. */
const LARGE_SHARE = 0.004;
const LARGE_BYTES = 512 * 1024;

/**
 * Opens an archive with a mutated page index and reads values whose content is known.
 * @throws an error if a value is wrong, and any error that a damaged index must not cause
 */
export async function runIndexCase(
  subjects: readonly IndexSubject[],
  seed: number,
  number: number,
): Promise<Verdict> {
  const random = new Random((seed ^ Math.imul(number + 1, 0x85ebca6b)) >>> 0);
  const large = random.chance(LARGE_SHARE);
  const subject = random.pick(subjects.filter(({ table }) => table.length > LARGE_BYTES === large));
  const wrong = random.chance(0.1) ? mutated(random, subject.kept, () => subject.index) : undefined;
  const verdict: Verdict = { opened: false, values: 0, errors: 0, ignored: false };
  const { bytes, repaired } = mutatedIndex(random, subject.index, random.pick(subjects).index, subject.table);
  const expected = wrong !== undefined ? KEPT : repaired ? HOSTILE : DAMAGED;
  const attempt = async <T>(work: () => Promise<T>): Promise<{ readonly value: T } | undefined> => {
    try {
      const value = await work();
      verdict.values++;
      return { value };
    } catch (error) {
      if (!isPeekpackError(error) || !expected.has(error.code)) throw error;
      verdict.errors++;
      return undefined;
    }
  };
  const archive = (await attempt(() => opened(random, subject, bytes, wrong)))?.value;
  if (archive === undefined) return verdict;
  verdict.opened = true;
  const { state, reason } = archive.info.pageIndex;
  verdict.ignored = state !== "used";
  if (state === "damaged" && reason === undefined) throw new Error("a damaged index has no diagnosis");

  const check = (what: string, given: { readonly value: unknown } | undefined, wanted: unknown): void => {
    if (given === undefined || isDeepStrictEqual(given.value, wanted)) return;
    throw new Error(
      `${subject.name}${repaired ? ", hostile" : ""}: ${what} gives ${inspected(given.value)}, not ${inspected(wanted)}`,
    );
  };
  const chosen = Array.from({ length: random.integer(1, 4) }, () => random.pick(subject.values));
  if (random.chance(0.3)) {
    const paths = chosen.map(({ path }) => path);
    const found = await attempt(() => archive.readMany(paths));
    check(
      "readMany",
      found,
      chosen.map(({ value }) => value),
    );
  } else {
    for (const { path, value } of chosen) {
      check(JSON.stringify(path, plainBigint), await attempt(() => archive.read(path)), value);
    }
  }
  if (random.chance(0.3)) {
    const path = random.pick(subject.absent) as readonly unknown[];
    // Of a list of blocks only all of its pages tell the length.
    if (!repaired || typeof path.at(-1) === "string") {
      check("has", await attempt(() => archive.has(path as Path)), false);
    }
  }
  if (random.chance(0.1)) {
    const { path, keys } = random.pick(subject.containers);
    const count = typeof keys === "number" ? keys : keys.length;
    if (!repaired || typeof keys !== "number") {
      check("size", await attempt(() => archive.size(path)), count);
    }
    if (!repaired && random.chance(0.2) && typeof keys !== "number") {
      check("keys", await attempt(() => archive.keys(path).toArray()), keys);
    }
  }
  await archive.close();
  return verdict;
}

/** Opens the archive with the index after its table, beside it, or kept. */
function opened(
  random: Random,
  { plain, index: right }: IndexSubject,
  index: Uint8Array,
  kept: Uint8Array | undefined,
): Promise<Archive> {
  const options: OpenOptions = {
    maps: "map",
    tocCacheBytes: random.pick([0, 20_000, undefined]),
    headBytes: random.pick([50, 4096]),
    tailBytes: random.pick([64, 4096]),
    readAhead: 0,
  };
  if (kept !== undefined) {
    return openArchive(piecesSource([plain]), { ...options, index: kept, pageIndex: piecesSource([right]) });
  }
  return random.chance(0.2)
    ? openArchive(piecesSource([plain]), { ...options, pageIndex: piecesSource([index]) })
    : openArchive(piecesSource([plain, index]), options);
}

function inspected(value: unknown): string {
  return (JSON.stringify(value, plainBigint) ?? String(value)).slice(0, 200);
}

const plainBigint = (_: string, value: Value): Value => (typeof value === "bigint" ? String(value) : value);

import {
  ANY,
  type Archive,
  appendArchives,
  bytesSource,
  isPeekpackError,
  LazyList,
  LazyMap,
  memorySink,
  openArchive,
  type Path,
  type PathKey,
  type Pattern,
  type RangeSource,
  slice,
  writeArchive,
} from "@peekpack/core";
import { mutated } from "./mutation.js";
import type { Random } from "./random.js";

/** Error codes that a damaged archive may cause. */
const EXPECTED = new Set([
  "not-an-archive",
  "unfinished",
  "truncated",
  "corrupt",
  "limit",
  "not-found",
  "bad-path",
  "unsupported-value",
  "duplicate-name",
  // A damaged index may state another object size.
  "changed",
]);

/** Maximum number of items that an iteration visits. */
const MAX_VISITED = 30;

/** Outcome of a case. */
export interface Verdict {
  /** Whether the archive could be opened. */
  opened: boolean;
  /** Operations that returned a value, and operations that threw an expected error. */
  values: number;
  errors: number;
  /** Whether the archive was read without its page index. */
  ignored?: boolean;
}

/**
 * Runs every operation of an archive on arbitrary bytes. Each may return a value or throw an expected error.
 * @throws any other error
 */
export async function exercise(random: Random, bytes: Uint8Array): Promise<Verdict> {
  const verdict: Verdict = { opened: false, values: 0, errors: 0 };
  const attempt = async <T>(work: () => Promise<T> | T): Promise<T | undefined> => {
    try {
      const value = await work();
      verdict.values++;
      return value;
    } catch (error) {
      if (!isPeekpackError(error) || !EXPECTED.has(error.code)) throw error;
      verdict.errors++;
      return undefined;
    }
  };
  const archive = await attempt(() => opened(random, bytes));
  if (archive === undefined) return verdict;
  verdict.opened = true;

  const root = await attempt(() => archive.get());
  await walk(random, attempt, root, [], archive, 0);
  await attempt(() => archive.read());
  await attempt(() => archive.readMany(["0", "a", "c", "-1/0"]));
  for (const pattern of [random.pick(["*", "*/*", "0/*/0"]), [ANY, slice(-2), ANY]] as Pattern[]) {
    await attempt(async () => {
      let seen = 0;
      for await (const _ of archive.select(pattern)) if (++seen > MAX_VISITED) break;
    });
  }
  await attempt(() => drained(archive.raw()));
  if (random.chance(0.1)) {
    const index = archive.index();
    const kept = random.chance(0.5) ? index : mutated(random, index, () => bytes);
    const again = await attempt(() => openArchive(bytes, { index: kept }));
    if (again !== undefined) await attempt(() => again.read());
  }
  if (random.chance(0.15)) {
    const options = {
      codec: random.pick(["msgpack", "cbor"] as const),
      smallObjectThreshold: random.pick([0, 50, 8192]),
    };
    await attempt(() => writeArchive(memorySink(), archive, options));
  }
  if (random.chance(0.1)) {
    const child = random.chance(0.5) ? { value: 1 } : { name: "new", source: bytes };
    await attempt(() => appendArchives({ source: bytes, sink: memorySink() }, [child]));
  }
  await archive.close();
  return verdict;
}

/** Opens the archive with random options. */
function opened(random: Random, bytes: Uint8Array): Promise<Archive> {
  const maps = random.chance(0.2) ? "map" : "object";
  const tocCacheBytes = random.pick([0, 100, undefined]);
  // A local archive is read whole, without its page index.
  const kind = hasPageIndex(bytes) && random.chance(0.7) ? 0 : random.integer(0, 9);
  switch (kind) {
    case 0:
      return openArchive(remoteSource(bytes), {
        maps,
        tocCacheBytes,
        cacheBytes: random.pick([0, undefined]),
        headBytes: 50,
        tailBytes: random.pick([64, undefined]),
      });
    case 1:
      return openArchive(bytes, { size: Math.max(0, bytes.length + random.integer(-1, 1)) });
    case 2:
      return openArchive(bytes, { numpy: false, limits: { maxDepth: 20, maxItems: 1000, maxKeyBytes: 50 } });
    case 3: {
      const offset = random.integer(1, 9);
      const inside = new Uint8Array(bytes.length + offset);
      inside.set(bytes, offset);
      return openArchive(inside, { offset, size: random.pick([bytes.length, undefined]) });
    }
    default:
      return openArchive(bytes, { maps, tocCacheBytes });
  }
}

function hasPageIndex(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.slice(-64)).toString("latin1", 0, 8) === "PEEKPGIX";
}

/** The bytes as a remote source, so that the read engine is used. */
function remoteSource(bytes: Uint8Array): RangeSource {
  return { ...bytesSource(bytes), local: false };
}

type Attempt = <T>(work: () => Promise<T> | T) => Promise<T | undefined>;

/** Descends from a value into some of its items. */
async function walk(
  random: Random,
  attempt: Attempt,
  value: unknown,
  path: PathKey[],
  archive: Archive,
  depth: number,
): Promise<void> {
  if (depth > 3) return;
  if (value instanceof LazyMap) {
    await attempt(() => value.size);
    const keys = ((await attempt(() => value.keys().toArray())) ?? []).filter(isPathKey);
    await attempt(() => value.has("no such key"));
    await attempt(async () => {
      let seen = 0;
      for await (const _ of value) if (++seen > MAX_VISITED) break;
    });
    for (let i = 0; i < Math.min(keys.length, 3); i++) {
      const key = random.pick(keys);
      const inner = await attempt(() => value.get(key));
      await readPath(random, attempt, archive, [...path, key]);
      await walk(random, attempt, inner, [...path, key], archive, depth + 1);
    }
    await attempt(() => value.toValue());
  } else if (value instanceof LazyList) {
    const { length } = value;
    await attempt(async () => {
      let seen = 0;
      for await (const _ of value) if (++seen > MAX_VISITED) break;
    });
    await attempt(() => value.slice(-3));
    await attempt(() => value.toTypedArray(random.pick(["float64", "int32", "uint8", "uint64"] as const)));
    for (let i = 0; i < Math.min(length, 3); i++) {
      const index = random.integer(0, length - 1);
      const inner = await attempt(() => value.at(index));
      await readPath(random, attempt, archive, [...path, index]);
      await walk(random, attempt, inner, [...path, index], archive, depth + 1);
    }
    await attempt(() => value.toValue());
  }
}

/** Whether a key can be part of a path. */
function isPathKey(key: unknown): key is PathKey {
  return key === null || key instanceof Uint8Array || /^(string|number|bigint|boolean)$/.test(typeof key);
}

async function readPath(random: Random, attempt: Attempt, archive: Archive, path: Path): Promise<void> {
  switch (random.integer(0, 4)) {
    case 0:
      await attempt(() => archive.read(path));
      break;
    case 1:
      await attempt(() => archive.size(path));
      await attempt(() => archive.has(path));
      break;
    case 2:
      await attempt(() => archive.keys(path).toArray());
      break;
    case 3:
      await attempt(() => archive.entries(path).toArray());
      break;
    default:
      await attempt(() => drained(archive.raw(path)));
  }
}

async function drained(stream: ReadableStream<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of stream) size += chunk.length;
  return size;
}

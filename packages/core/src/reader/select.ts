import { isPeekpackError } from "../errors.js";
import type { TableNode } from "../format/table-view.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveReader } from "./archive-reader.js";
import { type BlockWindow, blockItems, readBlocks } from "./blocks.js";
import { blockWindows } from "./entries.js";
import { nodeOf } from "./entry.js";
import { verified } from "./key-mismatch.js";
import { resolveListSegment } from "./list-selection.js";
import { isRecord, type NodeLocation, rootOf, selectedIndices } from "./lookup.js";
import { materialize } from "./materialize.js";
import { type PathKey, type PathSegment, Slice } from "./path.js";
import { ANY, type Pattern, type PatternSegments, parsePattern, type Selected } from "./pattern.js";
import { readAhead } from "./read-ahead.js";
import type { ResultBudget } from "./result-budget.js";
import { sameKey } from "./same-key.js";
import { WalkedData } from "./walked-data.js";

/** A node that a pattern leads to, or through. */
interface Match {
  readonly path: PathKey[];
  readonly archive: ArchiveReader;
  readonly node: TableNode;
  /** How many segments of the pattern have been followed. */
  readonly done: number;
  /** The blocks to read of a list of blocks. Default: those that the next segment needs. */
  readonly window?: BlockWindow | undefined;
}

/** Makes a result of a node that a whole pattern has led to. */
type MakeResult<T> = (
  path: PathKey[],
  at: NodeLocation,
  budget: ResultBudget,
  options: ReadOptions,
) => Promise<T>;

/**
 * Matches are read in groups of at most so many, and of about so many bytes. The first groups are small, so that the
 * first results come soon. Each group is twice as large as the one before, so that round trips stay few.
 */
const FIRST_GROUP_COUNT = 2048;
const GROUP_COUNT = 16_384;
const FIRST_GROUP_BYTES = 2 * 1024 * 1024;
const GROUP_BYTES = 16 * 1024 * 1024;
/** What a child archive counts in a group: its size is not known before it is opened. */
const ARCHIVE_BYTES = 16 * 1024;
/** What an item of a block counts at least: its path takes more memory than a small number. */
const RESULT_BYTES = 64;
/** Matches that one step of the walk hands on at once. */
const BATCH = 1024;

/** Everything that a pattern matches, read as plain data. */
export function select(archive: ArchiveReader, of: Pattern, options?: ReadOptions): AsyncGenerator<Selected> {
  return matches(archive, of, options, async (path, at, budget, inner) => ({
    path,
    value: await materialize(at, budget, inner),
  }));
}

/**
 * What `make` makes of each node that a pattern leads to, in the archive's order, and the values that match inside values
 * that are read. A node where the pattern leads nowhere is skipped.
 * The table is walked segment by segment; child archives are opened, and values read, in groups, one group in advance.
 */
export async function* matches<T>(
  archive: ArchiveReader,
  of: Pattern,
  options: ReadOptions | undefined,
  make: MakeResult<T>,
): AsyncGenerator<T | Selected> {
  const walked = new WalkedData();
  const pattern = parsePattern(of);
  let found = start(archive);
  for (const segment of pattern) found = followAll(found, segment, walked, options);
  yield* readAhead(
    groups(inWindows(found, pattern, options)),
    async (group, signal) => {
      const budget = archive.budget(walked);
      const inner = { ...options, signal };
      return (await Promise.all(group.map((match) => finish(match, pattern, make, budget, inner)))).flat();
    },
    options?.signal,
  );
}

async function* start(archive: ArchiveReader): AsyncGenerator<Match[]> {
  yield [{ path: [], archive, node: archive.table.root(), done: 0 }];
}

/** Follows one segment from every match. Values and lists of blocks pass through: the rest is followed inside them. */
async function* followAll(
  batches: AsyncIterable<Match[]>,
  segment: PathSegment | typeof ANY,
  walked: WalkedData,
  options: ReadOptions | undefined,
): AsyncGenerator<Match[]> {
  for await (const group of groups(batches)) {
    let batch: Match[] = [];
    for (const match of await openArchives(group, walked, options)) {
      const { archive, node, path, done } = match;
      if (node.kind === "value" || node.kind === "blocked" || node.kind === "archive") {
        batch.push(match);
        continue;
      }
      const { table } = archive;
      const below = (key: PathKey, child: TableNode): void => {
        batch.push({ path: [...path, key], archive, node: child, done: done + 1 });
      };
      if (segment === ANY) {
        for await (const window of table.walk(node, {}, options)) {
          for (const entry of window) below(table.key(entry) as PathKey, nodeOf(entry));
          if (batch.length >= BATCH) {
            yield batch;
            batch = [];
          }
        }
      } else if (node.kind === "list") {
        const indices = listIndices(segment, node.count);
        const nodes = await table.items(node, indices, options);
        for (const [i, child] of nodes.entries()) below(indices[i]!, child);
      } else if (!(segment instanceof Slice)) {
        const found = table.find(node, segment, options, true);
        const child = found instanceof Promise ? await found : found;
        if (child !== undefined) below(segment, child);
      }
      if (batch.length >= BATCH) {
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
  }
}

/** Replaces each child archive by its root. All of a group are opened at once. */
function openArchives(group: readonly Match[], walked: WalkedData, options?: ReadOptions): Promise<Match[]> {
  return Promise.all(
    group.map(async (match) => {
      let { archive, node } = match;
      while (node.kind === "archive") {
        const child = await archive.child(node, options);
        walked.take(archive, child.size);
        ({ archive, node } = rootOf(child));
      }
      await verified(node);
      return { ...match, archive, node };
    }),
  );
}

/** Replaces each list of blocks whose items all match by its windows: it may be of any length. */
async function* inWindows(
  batches: AsyncIterable<Match[]>,
  pattern: PatternSegments,
  options?: ReadOptions,
): AsyncGenerator<Match[]> {
  for await (const batch of batches) {
    let others: Match[] = [];
    for (const match of batch) {
      const { archive, node, done } = match;
      if (node.kind !== "blocked" || pattern[done] !== ANY) {
        others.push(match);
        continue;
      }
      if (others.length > 0) yield others;
      others = [];
      for await (const window of blockWindows(archive, node, options)) yield [{ ...match, window }];
    }
    if (others.length > 0) yield others;
  }
}

async function* groups(batches: AsyncIterable<Match[]>): AsyncGenerator<Match[]> {
  let group: Match[] = [];
  let bytes = 0;
  let maxCount = FIRST_GROUP_COUNT;
  let maxBytes = FIRST_GROUP_BYTES;
  for await (const batch of batches) {
    for (const match of batch) {
      group.push(match);
      bytes += estimatedBytes(match);
      if (group.length >= maxCount || bytes >= maxBytes) {
        yield group;
        maxCount = Math.min(GROUP_COUNT, maxCount * 2);
        maxBytes = Math.min(GROUP_BYTES, maxBytes * 2);
        group = [];
        bytes = 0;
      }
    }
  }
  if (group.length > 0) yield group;
}

function estimatedBytes({ node, window }: Match): number {
  if (window !== undefined) {
    const { blocks, first, last } = window;
    const items = blocks.before[last]! - blocks.before[first]!;
    return Math.max(blocks.bounds[last]! - blocks.bounds[first]!, items * RESULT_BYTES);
  }
  if (node.kind === "archive") return ARCHIVE_BYTES;
  if (node.kind !== "blocked") return node.span === undefined ? 0 : node.span.end - node.span.start;
  // An item of a list of blocks is small; nine bytes is a float.
  return "before" in node.blocks ? node.blocks.bounds.at(-1)! - node.blocks.bounds[0]! : node.length * 9;
}

/** Makes the result of a match, or reads what the rest of the pattern is followed in. */
async function finish<T>(
  match: Match,
  pattern: PatternSegments,
  make: MakeResult<T>,
  budget: ResultBudget,
  options: ReadOptions,
): Promise<(T | Selected)[]> {
  const { archive, node, path, done, window } = match;
  if (window !== undefined) {
    const first = window.blocks.before[window.first]!;
    const items = await readBlocks(archive, window, budget, options);
    const found: Selected[] = [];
    for (const [i, item] of items.entries()) {
      found.push(...within(item, [...path, first + i], pattern, done + 1));
      if (i % BATCH === 0) await budget.pause(options.signal);
    }
    return found;
  }
  if (done < pattern.length && node.kind === "blocked") {
    const indices = listIndices(pattern[done]!, node.length);
    const items = await blockItems(archive, node, indices, options, budget);
    return items.flatMap((item, i) => [...within(item, [...path, indices[i]!], pattern, done + 1)]);
  }
  const at: NodeLocation = { kind: "node", archive, node };
  if (done === pattern.length) return [await make(path, at, budget, options)];
  return [...within(await materialize(at, budget, options), path, pattern, done)];
}

/** Follows the rest of the pattern in a value that was read. */
function* within(value: Value, path: PathKey[], pattern: PatternSegments, done: number): Generator<Selected> {
  if (done === pattern.length) {
    yield { path, value };
    return;
  }
  const segment = pattern[done]!;
  if (Array.isArray(value)) {
    for (const index of listIndices(segment, value.length)) {
      yield* within(value[index], [...path, index], pattern, done + 1);
    }
    return;
  }
  const entries = value instanceof Map ? [...value] : isRecord(value) ? Object.entries(value) : [];
  for (const [key, inner] of entries) {
    if (segment === ANY || (!(segment instanceof Slice) && sameKey(key, segment))) {
      yield* within(inner, [...path, key as PathKey], pattern, done + 1);
    }
  }
}

/** The indices that a segment of a pattern selects in a list. None if the segment does not fit the list. */
function listIndices(segment: PathSegment | typeof ANY, length: number): number[] {
  if (segment === ANY) return Array.from({ length }, (_, i) => i);
  try {
    return selectedIndices(resolveListSegment(segment, length));
  } catch (error) {
    if (isPeekpackError(error)) return [];
    throw error;
  }
}

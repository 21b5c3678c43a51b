import { isPeekpackError } from "../errors.js";
import type { ChildNode, TocNode } from "../format/toc.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import { ahead } from "./ahead.js";
import type { ArchiveCore } from "./archive-core.js";
import { resolveListSegment } from "./list-segment.js";
import { keyAt } from "./location.js";
import { materialize } from "./materialize.js";
import { type PathKey, type PathSegment, Slice } from "./path.js";
import { ANY, type Segments, type Selected } from "./pattern.js";
import { sameKey } from "./same-key.js";
import { blockItems, findChild, indices } from "./steps.js";

interface Match {
  readonly path: PathKey[];
  readonly core: ArchiveCore;
  readonly node: TocNode;
  /** How many segments of the pattern have been followed. */
  readonly done: number;
}

/**
 * Matches are read together in groups of at most so many, and of about so many bytes: few at first, so that the first come
 * soon, then twice as many from group to group, so that not every few cost a round trip.
 */
const FIRST_GROUP_COUNT = 2048;
const GROUP_COUNT = 16_384;
const FIRST_GROUP_BYTES = 2 * 1024 * 1024;
const GROUP_BYTES = 16 * 1024 * 1024;
/** What a child archive counts in a group: its size is not known before it is opened. */
const ARCHIVE_BYTES = 16 * 1024;

/**
 * Everything that a pattern matches, in the archive's order. Places where the pattern leads nowhere are passed over.
 * Tables are walked without a request; then values are read, and child archives opened, in groups, one group ahead.
 */
export async function* select(
  core: ArchiveCore,
  pattern: Segments,
  options?: ReadOptions,
): AsyncGenerator<Selected> {
  const start: Match = { path: [], core, node: core.toc.root(), done: 0 };
  yield* ahead(opened(walk(start, pattern), pattern, options), async (group) =>
    (await Promise.all(group.map((match) => finish(match, pattern, options)))).flat(),
  );
}

/** Matches in groups. Where one is a child archive and the pattern goes on, the matches in it take its place. */
async function* opened(
  matches: Iterable<Match>,
  pattern: Segments,
  options?: ReadOptions,
): AsyncGenerator<readonly Match[]> {
  for (const group of groups(matches)) {
    const children = await Promise.all(
      group.map(({ core, node, done }) =>
        node.kind === "archive" && done < pattern.length ? core.child(node.offset, options) : undefined,
      ),
    );
    if (children.every((child) => child === undefined)) {
      yield group;
      continue;
    }
    const inner = function* (): Generator<Match> {
      for (const [i, match] of group.entries()) {
        const core = children[i];
        if (core === undefined) yield match;
        else yield* walk({ ...match, core, node: core.toc.root() }, pattern);
      }
    };
    yield* opened(inner(), pattern, options);
  }
}

/** Follows the pattern, depth first, as far as one table leads. */
function* walk(match: Match, pattern: Segments): Generator<Match> {
  const { core, node, done, path } = match;
  if (done === pattern.length || (node.kind !== "map" && node.kind !== "list")) {
    yield match;
    return;
  }
  const segment = pattern[done]!;
  const below = (key: PathKey, child: ChildNode): Generator<Match> =>
    walk({ path: [...path, key], core, node: core.toc.node(child), done: done + 1 }, pattern);
  if (node.kind === "list" || segment === ANY) {
    const { size, keys, at } = core.toc.children(node);
    for (const index of listIndices(segment, size)) {
      yield* below(keys === undefined ? index : (keyAt(core, keys[index]!) as PathKey), at(index));
    }
  } else if (!(segment instanceof Slice)) {
    const child = findChild(core, node, segment);
    if (child !== undefined) yield* below(segment, child);
  }
}

function* groups(matches: Iterable<Match>): Generator<Match[]> {
  let group: Match[] = [];
  let bytes = 0;
  let most = FIRST_GROUP_COUNT;
  let mostBytes = FIRST_GROUP_BYTES;
  for (const match of matches) {
    group.push(match);
    const { node } = match;
    if (node.kind === "blocked") bytes += node.blocks.bounds.at(-1)! - node.blocks.bounds[0]!;
    else if (node.kind === "archive") bytes += ARCHIVE_BYTES;
    else if (node.span !== undefined) bytes += node.span.end - node.span.start;
    if (group.length >= most || bytes >= mostBytes) {
      yield group;
      most = Math.min(GROUP_COUNT, most * 2);
      mostBytes = Math.min(GROUP_BYTES, mostBytes * 2);
      group = [];
      bytes = 0;
    }
  }
  if (group.length > 0) yield group;
}

/** Reads what a match needs and follows the rest of the pattern in it. No archive is left to be opened. */
async function finish(match: Match, pattern: Segments, options?: ReadOptions): Promise<Selected[]> {
  const { core, node, path, done } = match;
  if (done === pattern.length) {
    return [{ path, value: await materialize({ kind: "node", core, node }, options) }];
  }
  if (node.kind === "blocked") {
    const wanted = listIndices(pattern[done]!, node.blocks.length);
    const items = await blockItems(core, node, wanted, options);
    return items.flatMap((item, i) => [...within(item, [...path, wanted[i]!], pattern, done + 1)]);
  }
  // Maps and lists were walked: this is a value.
  return [...within(await materialize({ kind: "node", core, node }, options), path, pattern, done)];
}

/** Follows the rest of the pattern in a value that was read. */
function* within(value: Value, path: PathKey[], pattern: Segments, done: number): Generator<Selected> {
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
  const entries =
    value instanceof Map
      ? [...value]
      : value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype
        ? Object.entries(value)
        : [];
  for (const [key, inner] of entries) {
    if (segment === ANY || (!(segment instanceof Slice) && sameKey(key, segment))) {
      yield* within(inner, [...path, key as PathKey], pattern, done + 1);
    }
  }
}

/** The indices that a segment of a pattern names in a list; none when it names none that are there. */
function listIndices(segment: PathSegment | typeof ANY, length: number): number[] {
  if (segment === ANY) return Array.from({ length }, (_, i) => i);
  try {
    return indices(resolveListSegment(segment, length));
  } catch (error) {
    if (isPeekpackError(error)) return [];
    throw error;
  }
}

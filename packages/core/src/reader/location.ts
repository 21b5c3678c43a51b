import { isPeekpackError, PeekpackError } from "../errors.js";
import type { ChildNode, TocBranch, TocNode } from "../format/toc.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveCore } from "./archive-core.js";
import type { PathSegment } from "./path.js";

/** A node of the table that has children of its own. */
export type Branch = TocBranch;

/** Where a path has led to. */
export type Location =
  /** A node of a table: nothing below it has been read. */
  | { readonly kind: "node"; readonly core: ArchiveCore; readonly node: TocNode }
  /** A value that was read as part of a larger one. */
  | { readonly kind: "plain"; readonly value: Value }
  /** What a slice has selected of a list. */
  | { readonly kind: "many"; readonly items: readonly Location[] };

/** The root of an archive. */
export function rootOf(core: ArchiveCore): Location {
  return { kind: "node", core, node: core.toc.root() };
}

/** The location of a child of a node. */
export function childOf(core: ArchiveCore, child: ChildNode): Location {
  return { kind: "node", core, node: core.toc.node(child) };
}

/** Follows a path from the root and does something there; errors then say which path it was. */
export async function lookUp<T>(
  core: ArchiveCore,
  path: readonly PathSegment[],
  options: ReadOptions | undefined,
  work: (at: Location) => Promise<T>,
): Promise<T> {
  try {
    return await work(await follow(rootOf(core), path, core, options));
  } catch (error) {
    if (!isPeekpackError(error) || error.path !== undefined || path.length === 0) throw error;
    const { code, message, section, offset, cause } = error;
    throw new PeekpackError(code, message, { section, offset, path, cause });
  }
}

/** Follows a path. Steps that need no bytes take no turn of the event loop. */
export async function follow(
  from: Location,
  segments: readonly PathSegment[],
  core: ArchiveCore,
  options?: ReadOptions,
): Promise<Location> {
  let at = from;
  for (const [i, segment] of segments.entries()) {
    if (at.kind === "node" && at.node.kind === "value") {
      at = { kind: "plain", value: await at.core.value(at.node.span, options) };
    }
    const { rest } = core.shared;
    const next =
      (rest ? undefined : simpleStep(at, segment)) ??
      (rest ?? (await core.complete())).step(at, segment, segments.slice(0, i + 1), options);
    at = next instanceof Promise ? await next : next;
  }
  return at;
}

/**
 * Goes down where a plain key or index is met that is there, as in most paths it is. Undefined for everything else: what
 * that means or what is wrong with it `step` knows, which is loaded then.
 */
function simpleStep(at: Location, segment: PathSegment): Location | undefined {
  if (at.kind === "many") return undefined;
  const index = typeof segment !== "object" && /^\d+$/.test(String(segment)) ? Number(segment) : undefined;
  if (at.kind === "plain") {
    const { value } = at;
    const key = Array.isArray(value) ? index : isRecord(value) && typeof segment === "string" && segment;
    return typeof key !== "boolean" && key !== undefined && Object.hasOwn(value as Value[], key)
      ? { kind: "plain", value: (value as { [key: string]: Value })[key] }
      : undefined;
  }
  const { core, node } = at;
  const { toc } = core;
  if (toc.wantsIndex) return undefined;
  const child =
    node.kind === "map"
      ? typeof segment === "string" && isKey(segment) && toc.find(node, encodeKey(segment))
      : node.kind === "list" && index !== undefined && index < node.count && toc.nth(node, index);
  if (!child) return undefined;
  const found = toc.node(child);
  return found.kind === "blocked" ? undefined : { kind: "node", core, node: found };
}

/** Whether a value is a map of text keys, as decoding makes them. */
export function isRecord(value: Value): value is { [key: string]: Value } {
  return value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype;
}

/** Whether text can be a key: a lone surrogate has no UTF-8, and TextEncoder would look for U+FFFD instead. */
export function isKey(text: string): boolean {
  return !/\p{Cs}/u.test(text);
}

/** A key as it stands in a table. */
export function encodeKey(key: string): Uint8Array {
  return new TextEncoder().encode(key);
}

/** Decodes the key at a place of the table. Keys never hold pickled arrays. */
export function keyAt(core: ArchiveCore, place: number): Value {
  const { bytes, cursor } = core.toc;
  return core.decodePlain(bytes.subarray(place, cursor.skip(place)));
}

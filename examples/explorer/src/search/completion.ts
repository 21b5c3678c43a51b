import { TimeSlice } from "@peekpack/core/internal";
import type { Entry } from "../archive/entry.js";
import { keyText, type TypedSegment } from "../archive/segments.js";

/** A key that completes the typed text. */
export interface Suggestion {
  readonly text: string;
  /** The entry under the key. Undefined for `*`. */
  readonly entry: Entry | undefined;
}

export interface Completion {
  readonly suggestions: readonly Suggestion[];
  /** The entry that must be read before keys below it are known. */
  readonly unread: Entry | undefined;
  /** How many keys were looked at, and how many there are at this level. */
  readonly searched: number;
  readonly of: number;
  /** Whether only keys that were opened before were looked at, of several levels. */
  readonly opened?: boolean;
}

const NOTHING: Completion = { suggestions: [], unread: undefined, searched: 0, of: 0 };

const MAX_SUGGESTIONS = 60;
/** Keys that are searched; fewer if tables are paged. */
const SEARCHED_KEYS = 2_000_000;
const SEARCHED_PAGED_KEYS = 4096;
/** Keys that are searched below a container, and of one of the containers there. */
const SEARCHED_BELOW = 20_000;
const SEARCHED_OF_EACH = 1024;
/** Keys that are loaded at a time. */
const STEP = 1024;

/**
 * The keys of a container that begin with the typed text, and then those that contain it. Keys come from the table of
 * contents, or from values that were read. No value is read.
 * @param above the path of the container
 */
export async function complete(
  root: Entry,
  above: readonly TypedSegment[],
  typed: string,
  signal: AbortSignal,
): Promise<Completion> {
  const at = await followTable(root, above, signal);
  if (at === undefined) return NOTHING;
  if (at.size === undefined) return { ...NOTHING, unread: at.content === undefined ? at : undefined };
  const wanted = typed.toLowerCase();
  const size = at.size;
  const first: Suggestion[] = [];
  const later: Suggestion[] = [];
  const every = size > 1 && "*".startsWith(typed) ? [{ text: "*", entry: undefined }] : [];
  if (typeof at.keyAt(0) === "number" && !at.foldable) {
    return { ...NOTHING, suggestions: every, searched: size, of: size };
  }
  const searched = Math.min(size, at.paged ? SEARCHED_PAGED_KEYS : SEARCHED_KEYS);
  const slice = new TimeSlice();
  let looked = 0;
  for (let i = 0; i < searched && first.length < MAX_SUGGESTIONS; i++, looked++) {
    if (i % STEP === 0) await at.ensure(i, i + STEP, { signal });
    const text = keyText(at.keyAt(i));
    const found = text.toLowerCase().indexOf(wanted);
    if (found === 0) first.push({ text, entry: at.child(i) });
    else if (found > 0 && later.length < MAX_SUGGESTIONS) later.push({ text, entry: at.child(i) });
    if ((i & 255) === 0) {
      await slice.next(undefined);
      if (signal.aborted) return NOTHING;
    }
  }
  const suggestions = [...every, ...first, ...later].slice(0, MAX_SUGGESTIONS);
  return { suggestions, unread: undefined, searched: looked, of: size };
}

/**
 * The keys of everything below a container, as {@link complete} orders them. Only what was opened before is looked at: no
 * request is made below the container.
 */
export async function completeBelow(
  root: Entry,
  above: readonly TypedSegment[],
  typed: string,
  signal: AbortSignal,
): Promise<Completion> {
  const from = await followTable(root, above, signal);
  if (from === undefined) return NOTHING;
  const wanted = typed.toLowerCase();
  const found = new Map<string, Entry>();
  const open = [from];
  let searched = 0;
  // Level by level: the keys nearest to the container come first.
  for (const at of open) {
    const size = Math.min(at.size ?? 0, SEARCHED_OF_EACH);
    if (searched + size > SEARCHED_BELOW) break;
    for (let i = 0; i < size; i++) {
      searched++;
      const key = at.keyAt(i);
      const child = at.child(i);
      // A key that is not a text has no name in JSONPath.
      if (typeof key === "string" && !found.has(key)) found.set(key, child);
      if (child.content !== undefined) open.push(child);
    }
  }
  const texts = [...found.keys()].filter((text) => text.toLowerCase().includes(wanted));
  const begins = (text: string): boolean => text.toLowerCase().startsWith(wanted);
  const suggestions = [...texts.filter(begins), ...texts.filter((text) => !begins(text))]
    .slice(0, MAX_SUGGESTIONS)
    .map((text) => ({ text, entry: found.get(text) }));
  return { suggestions, unread: undefined, searched, of: found.size, opened: true };
}

/**
 * Follows a path as far as the table goes. `*` goes to the first entry that was opened, else to the first one.
 * @returns undefined if there is no such entry
 */
async function followTable(
  root: Entry,
  path: readonly TypedSegment[],
  signal: AbortSignal,
): Promise<Entry | undefined> {
  let at = root;
  for (const segment of [...path, undefined]) {
    if (at.content === undefined) {
      const kind = at.outline?.kind;
      if (at.parent !== undefined && kind !== "map" && kind !== "list") return at;
      if (at.parent === undefined && kind === "value") return at;
      // A container in the table: no value is read.
      await at.load({ signal });
    }
    if (segment === undefined || at.size === undefined) return at;
    if (at.size === 0) return undefined;
    const index =
      segment.text === "*" && !segment.exact ? at.firstOpened : await at.find(segment, { signal });
    if (index < 0) return undefined;
    if (at.blocked) {
      at = at.child(index);
      if (at.content === undefined) return at;
      continue;
    }
    await at.ensure(index, index + 1, { signal });
    at = at.child(index);
  }
  return at;
}

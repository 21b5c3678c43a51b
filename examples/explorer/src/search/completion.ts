import type { Entry } from "../archive/entry.js";
import { keyText, type TypedSegment } from "../archive/segments.js";

/** A key that what was typed may become. */
export interface Suggestion {
  readonly text: string;
  /** The entry, where one key is meant; undefined for "every one". */
  readonly entry: Entry | undefined;
}

export interface Completion {
  readonly suggestions: readonly Suggestion[];
  /** Set where keys are not known without reading: the entry to be read first. */
  readonly unread: Entry | undefined;
}

const MOST = 60;
/** Keys are looked through in slices of so many milliseconds, so that typing goes on. */
const SLICE_MS = 8;
const REACH = 2_000_000;

/**
 * Keys of the container that a path leads to which begin with, or else contain, what was typed last. Reads nothing: keys are
 * in the table of contents, or in values that were read.
 */
export async function complete(
  root: Entry,
  above: readonly TypedSegment[],
  typed: string,
  signal: AbortSignal,
): Promise<Completion> {
  const at = await free(root, above);
  if (at === undefined) return { suggestions: [], unread: undefined };
  if (at.size === undefined) return { suggestions: [], unread: at.content === undefined ? at : undefined };
  const wanted = typed.toLowerCase();
  const size = at.size;
  const first: Suggestion[] = [];
  const later: Suggestion[] = [];
  const every = size > 1 && "*".startsWith(typed) ? [{ text: "*", entry: undefined }] : [];
  if (typeof at.keyAt(0) === "number" && !at.foldable) return { suggestions: every, unread: undefined };
  let pause = performance.now() + SLICE_MS;
  for (let i = 0; i < Math.min(size, REACH) && first.length < MOST; i++) {
    const text = keyText(at.keyAt(i));
    const found = text.toLowerCase().indexOf(wanted);
    if (found === 0) first.push({ text, entry: at.child(i) });
    else if (found > 0 && later.length < MOST) later.push({ text, entry: at.child(i) });
    if ((i & 255) === 0 && performance.now() > pause) {
      await new Promise((resolve) => setTimeout(resolve));
      if (signal.aborted) return { suggestions: [], unread: undefined };
      pause = performance.now() + SLICE_MS;
    }
  }
  return { suggestions: [...every, ...first, ...later].slice(0, MOST), unread: undefined };
}

/** Goes down a path as far as that costs nothing; undefined where it leads nowhere. "*" goes to the first entry. */
async function free(root: Entry, path: readonly TypedSegment[]): Promise<Entry | undefined> {
  let at = root;
  for (const segment of [...path, undefined]) {
    if (at.content === undefined) {
      const kind = at.outline?.kind;
      if (at.parent !== undefined && kind !== "map" && kind !== "list") return at;
      if (at.parent === undefined && kind === "value") return at;
      // In the table: makes a handle, reads nothing.
      await at.load();
    }
    if (segment === undefined || at.size === undefined) return at;
    if (at.size === 0) return undefined;
    const place = segment.text === "*" && !segment.exact ? 0 : at.find(segment);
    if (place < 0) return undefined;
    if (at.blocked) return at.child(place);
    at = at.child(place);
  }
  return at;
}

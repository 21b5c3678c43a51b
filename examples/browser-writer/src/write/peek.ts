import {
  LazyList,
  LazyMap,
  openArchive,
  type RangeSource,
  type RequestEvent,
  type Value,
} from "@peekpack/core";

/** One value that was read back, and what that took. */
export interface Peek {
  readonly path: string;
  readonly value: Value;
  readonly requests: number;
  readonly bytes: number;
  readonly ms: number;
  /** Size of the whole object. */
  readonly whole: number;
  /** Which of its bytes were read. */
  readonly spans: readonly { readonly start: number; readonly end: number }[];
}

/** The widest gap between two ranges that are read with one request: here bytes are looked at. */
const GAP_BYTES = 16 * 1024;
/** The least of the table that is asked for: it is known to be small against the data. */
const TAIL_BYTES = 64 * 1024;
const DEEPEST = 8;

/** Reads one value as somebody would who has never seen the archive: nothing cached, nothing known. */
export async function peek(source: RangeSource, path: string): Promise<Peek> {
  const events: RequestEvent[] = [];
  const started = performance.now();
  const archive = await openArchive(source, {
    readAhead: 0,
    gap: GAP_BYTES,
    tailBytes: TAIL_BYTES,
    onRequest: (event) => events.push(event),
  });
  try {
    const value = await archive.read(path);
    const ms = performance.now() - started;
    const { requests, bytes } = archive.stats;
    const whole = archive.info.objectSize ?? archive.info.offset + archive.info.size;
    const spans = events.flatMap(({ range, suffix, bytes: arrived }) => {
      if (range !== undefined) return { start: range.start, end: Math.min(range.end, range.start + arrived) };
      return suffix === undefined ? [] : { start: Math.max(0, whole - suffix), end: whole };
    });
    return { path, value, requests, bytes, ms, whole, spans };
  } finally {
    await archive.close();
  }
}

/** A path that leads to something small, from the middle of every level. */
export async function somewhere(source: RangeSource): Promise<string> {
  const archive = await openArchive(source, { readAhead: 0 });
  try {
    const segments: (string | number)[] = [];
    let at: unknown = await archive.get();
    while (segments.length < DEEPEST) {
      let segment: string | number | undefined;
      if (at instanceof LazyList || Array.isArray(at)) {
        const { length } = at;
        const first: unknown = length > 0 ? await at.at(0) : 0;
        // Numbers are shown together.
        if (typeof first !== "number") segment = length >> 1;
      } else if (at instanceof LazyMap) {
        const keys: unknown[] = [];
        for await (const key of at.keys()) keys.push(key);
        segment = preferred(keys);
      } else if (isPlain(at)) {
        segment = preferred(Object.keys(at));
      }
      if (segment === undefined) break;
      segments.push(segment);
      at = await child(at, segment);
    }
    return segments.join("/");
  } finally {
    await archive.close();
  }
}

async function child(at: unknown, segment: string | number): Promise<unknown> {
  if (at instanceof LazyList) return at.at(segment as number);
  if (at instanceof LazyMap) return at.get(segment);
  return (at as Record<string | number, unknown>)[segment];
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** What this page's own archives have of interest, else what is in the middle. A path as text has no place for a '/'. */
function preferred(keys: readonly unknown[]): string | undefined {
  const plain = keys.filter((key): key is string => typeof key === "string" && /^[^/]+$/.test(key));
  return ["frames", "rows", "spectrum"].find((name) => plain.includes(name)) ?? plain[plain.length >> 1];
}

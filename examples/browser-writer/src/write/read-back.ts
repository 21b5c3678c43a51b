import {
  LazyList,
  LazyMap,
  openArchive,
  type RangeSource,
  type RequestEvent,
  type Value,
} from "@peekpack/core";

/** A value that was read back, and what it cost. */
export interface ReadBack {
  readonly path: string;
  readonly value: Value;
  readonly requests: number;
  readonly bytes: number;
  readonly ms: number;
  /** Size of the whole object. */
  readonly whole: number;
  /** The ranges that were read. */
  readonly ranges: readonly { readonly start: number; readonly end: number }[];
}

/** The widest gap between two ranges that one request reads. */
const GAP_BYTES = 16 * 1024;
/** Bytes of the end that are read with the header. */
const TAIL_BYTES = 64 * 1024;
const MAX_DEPTH = 8;

/** Reads one value with a new reader, without a cache. */
export async function readBack(source: RangeSource, path: string): Promise<ReadBack> {
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
    const ranges = events.flatMap(({ range, suffix, bytes: received }) => {
      if (range !== undefined)
        return { start: range.start, end: Math.min(range.end, range.start + received) };
      return suffix === undefined ? [] : { start: Math.max(0, whole - suffix), end: whole };
    });
    return { path, value, requests, bytes, ms, whole, ranges };
  } finally {
    await archive.close();
  }
}

/** The path of a small value in the middle of the archive. */
export async function samplePath(source: RangeSource): Promise<string> {
  const archive = await openArchive(source, { readAhead: 0 });
  try {
    const segments: (string | number)[] = [];
    let at: unknown = await archive.get();
    while (segments.length < MAX_DEPTH) {
      let segment: string | number | undefined;
      if (at instanceof LazyList || Array.isArray(at)) {
        const { length } = at;
        const first: unknown = length > 0 ? await at.at(0) : 0;
        // A list of numbers is shown as a whole.
        if (typeof first !== "number") segment = length >> 1;
      } else if (at instanceof LazyMap) {
        segment = preferred(await at.keys().toArray());
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

/** A key of the archives that this page generates, else the key in the middle. Keys with a '/' cannot be in a text path. */
function preferred(keys: readonly unknown[]): string | undefined {
  const plain = keys.filter((key): key is string => typeof key === "string" && /^[^/]+$/.test(key));
  return ["frames", "rows", "spectrum"].find((name) => plain.includes(name)) ?? plain[plain.length >> 1];
}

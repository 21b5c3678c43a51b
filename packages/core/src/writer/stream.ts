/** A map that is written from an iterable of entries: what {@link mapOf} makes. */
export class MapStream {
  readonly entries: Iterable<readonly [unknown, unknown]> | AsyncIterable<readonly [unknown, unknown]>;
  readonly count: number | undefined;

  constructor(entries: MapStream["entries"], count: number | undefined) {
    this.entries = entries;
    this.count = count;
  }
}

/** A list that is written from an iterable of items: what {@link listOf} makes. */
export class ListStream {
  readonly items: Iterable<unknown> | AsyncIterable<unknown>;
  readonly count: number | undefined;

  constructor(items: ListStream["items"], count: number | undefined) {
    this.items = items;
    this.count = count;
  }
}

/** What may be said of a stream beforehand. */
export interface StreamOptions {
  /**
   * How many entries or items there will be. With it they are written as they come and nothing of the level is collected;
   * without it the level's keys and values (not what lies below them) are collected first, because a container begins with its count.
   */
  readonly count?: number | undefined;
}

/**
 * A map for {@link writeArchive} from an iterable or async iterable of `[key, value]`. It is consumed when the writer
 * reaches it; values may be streams themselves.
 * @throws TypeError when `entries` is no iterable; RangeError when `count` is not an integer of at least 0.
 */
export function mapOf(entries: MapStream["entries"], options: StreamOptions = {}): MapStream {
  return new MapStream(iterable(entries), checkedCount(options));
}

/**
 * A list for {@link writeArchive} from an iterable or async iterable of items. A bare iterable is the same without a
 * count. It is consumed when the writer reaches it; items may be streams themselves.
 * @throws TypeError when `items` is no iterable; RangeError when `count` is not an integer of at least 0.
 */
export function listOf(items: ListStream["items"], options: StreamOptions = {}): ListStream {
  return new ListStream(iterable(items), checkedCount(options));
}

function iterable<T>(value: T): T {
  if (
    typeof value === "object" &&
    value !== null &&
    (Symbol.iterator in value || Symbol.asyncIterator in value)
  ) {
    return value;
  }
  throw new TypeError("mapOf and listOf take an iterable or an async iterable.");
}

function checkedCount({ count }: StreamOptions): number | undefined {
  if (count !== undefined && (!Number.isSafeInteger(count) || count < 0)) {
    throw new RangeError("count is an integer of at least 0.");
  }
  return count;
}

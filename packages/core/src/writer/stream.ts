/** A map that is written from an iterable of entries. Made by {@link mapOf}. */
export class MapStream {
  readonly entries: Iterable<readonly [unknown, unknown]> | AsyncIterable<readonly [unknown, unknown]>;
  readonly count: number | undefined;

  constructor(entries: MapStream["entries"], count: number | undefined) {
    this.entries = entries;
    this.count = count;
  }
}

/** A list that is written from an iterable of items. Made by {@link listOf}. */
export class ListStream {
  readonly items: Iterable<unknown> | AsyncIterable<unknown>;
  readonly count: number | undefined;

  constructor(items: ListStream["items"], count: number | undefined) {
    this.items = items;
    this.count = count;
  }
}

/** What is known of a stream in advance. */
export interface StreamOptions {
  /**
   * How many entries or items there will be. With a count they are written as they come. Without one the keys and values of this
   * level (not what is below them) are collected first, because a container begins with its count.
   */
  readonly count?: number | undefined;
}

/**
 * Makes a map for {@link writeArchive} of an iterable or async iterable of `[key, value]`. The writer consumes it when it
 * reaches it. Values may be streams themselves.
 * @throws TypeError if `entries` is not iterable; RangeError if `count` is not an integer of at least 0
 */
export function mapOf(entries: MapStream["entries"], options: StreamOptions = {}): MapStream {
  return new MapStream(iterable(entries), checkedCount(options));
}

/**
 * Makes a list for {@link writeArchive} of an iterable or async iterable of items. A bare iterable is the same without a
 * count. The writer consumes it when it reaches it. Items may be streams themselves.
 * @throws TypeError if `items` is not iterable; RangeError if `count` is not an integer of at least 0
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

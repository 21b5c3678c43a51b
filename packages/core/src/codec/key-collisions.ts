import { PeekpackError } from "../errors.js";

/** One key in so many is looked at. */
const SAMPLE = 16;
/** Chosen keys are counted by so many of the low bits of their hash. */
const BUCKETS = 4096;
/** So many sampled keys in one bucket are chance; more are intent, unless all buckets are full. */
const CHANCE = 32;

/**
 * Notices maps whose numeric keys were made to collide: each entry would be compared with all before it. V8 hashes texts
 * with a random seed, but numbers and bigints without one.
 */
export class KeyCollisions {
  #maps = new WeakMap<object, { readonly buckets: Uint32Array; count: number }>();

  /** Takes note of a key of a map, by chance. @throws PeekpackError `limit` if the keys collide */
  note(map: object, key: unknown): void {
    if ((typeof key !== "number" && typeof key !== "bigint") || Math.random() * SAMPLE >= 1) return;
    const keys = this.#maps.get(map) ?? { buckets: new Uint32Array(BUCKETS), count: 0 };
    this.#maps.set(map, keys);
    const found = ++keys.buckets[numberHash(key) % BUCKETS]!;
    if (found > CHANCE + (8 * ++keys.count) / BUCKETS) {
      throw new PeekpackError("limit", "The keys of a map were chosen to collide.", { section: "data" });
    }
  }
}

function bitsOf(value: number): bigint {
  return new BigUint64Array(Float64Array.of(value).buffer)[0]!;
}

/** V8's hash of a number or bigint as a key: `ComputeUnseededHash` and `ComputeLongHash`. */
export function numberHash(key: number | bigint): number {
  if (typeof key === "number" && (key | 0) === key) {
    let hash = key;
    hash = ~hash + (hash << 15);
    hash ^= hash >>> 12;
    hash += hash << 2;
    hash ^= hash >>> 4;
    hash = Math.imul(hash, 2057);
    return (hash ^ (hash >>> 16)) & 0x3fffffff;
  }
  // A number by its bits, a bigint by the lowest 64 bits of its magnitude.
  const bits = typeof key === "number" ? bitsOf(key) : key < 0n ? -key : key;
  const cut = (value: bigint): bigint => BigInt.asUintN(64, value);
  let hash = cut(bits);
  hash = cut(~hash + (hash << 18n));
  hash ^= hash >> 31n;
  hash = cut(hash * 21n);
  hash ^= hash >> 11n;
  hash = cut(hash + (hash << 6n));
  return Number((hash ^ (hash >> 22n)) & 0x3fffffffn);
}

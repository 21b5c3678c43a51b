import {
  bytesSource,
  type CachedObject,
  type PersistentCache,
  type PersistentCacheOptions,
  withRangeCache,
} from "@peekpack/core";
import { describe, expect, it } from "vitest";
import { patterned, rangeSourceContract } from "./range-source.js";

const KiB = 1024;
const MiB = 2 ** 20;
const object: CachedObject = { label: "https://example.org/a", version: '"1"', size: 10 * MiB };

/** The kind of cache under test. */
export interface RangeCacheSubject {
  /** Creates a cache. */
  create(options: PersistentCacheOptions): PersistentCache;
  /** A new directory. */
  fresh(): string;
  /** Changes the stored bytes of all pieces in a directory, bypassing the cache. */
  tamper(directory: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void>;
}

/** The cached bytes of a range; missing bytes are zero. */
export async function assembled(
  cache: PersistentCache,
  start: number,
  end: number,
  of: CachedObject = object,
): Promise<number[]> {
  const whole = new Uint8Array(end - start);
  for (const piece of await cache.read(of, { start, end })) {
    const from = Math.max(start, piece.start);
    const to = Math.min(end, piece.start + piece.bytes.length);
    whole.set(piece.bytes.subarray(from - piece.start, to - piece.start), from - start);
  }
  return [...whole];
}

/** Registers the tests that every persistent range cache must pass. */
export function rangeCacheContract(kind: string, { create, fresh, tamper }: RangeCacheSubject): void {
  const named = (more: PersistentCacheOptions = {}): PersistentCacheOptions => ({
    directory: fresh(),
    ...more,
  });

  rangeSourceContract(`a versioned source with ${kind}`, (bytes) => {
    const cache = create(named());
    return {
      source: withRangeCache(bytesSource(bytes, { label: "memory", version: '"1"' }), cache),
      dispose: async () => cache.close(),
    };
  });

  describe(kind, () => {
    it("returns written pieces to every cache of the same directory, and to no other", async () => {
      const options = named();
      const cache = create(options);
      expect(await cache.available()).toBe(true);
      expect(await cache.latest(object.label)).toBeUndefined();
      await cache.see(object);
      const bytes = patterned(3 * MiB + 500);
      await cache.write(object, { start: 1000, bytes });
      cache.close();
      const other = create(options);
      expect(await other.latest(object.label)).toEqual(object);
      expect(await assembled(other, 1000, 1000 + 200)).toEqual([...bytes.subarray(0, 200)]);
      const at = 2 * MiB - 50;
      expect(await assembled(other, 1000 + at, 1000 + at + 100)).toEqual([...bytes.subarray(at, at + 100)]);
      expect(await other.read(object, { start: 0, end: 1000 })).toEqual([]);
      expect(await other.read({ ...object, version: '"2"' }, { start: 0, end: 5000 })).toEqual([]);
      expect(await other.read({ ...object, label: "b" }, { start: 0, end: 5000 })).toEqual([]);
      expect(await create(named()).read(object, { start: 0, end: 5000 })).toEqual([]);
      expect(await other.size()).toBe(bytes.length);
    });

    it("stores a view without the rest of its buffer", async () => {
      const cache = create(named());
      await cache.write(object, { start: 0, bytes: patterned(MiB).subarray(100, 110) });
      const [piece] = await cache.read(object, { start: 0, end: 10 });
      expect(piece!.bytes.buffer.byteLength).toBe(10);
    });

    it("merges overlapping writes of two caches", async () => {
      const options = named();
      const [one, two] = [create(options), create(options)];
      const bytes = patterned(1000);
      await Promise.all([
        one.write(object, { start: 0, bytes: bytes.subarray(0, 300) }),
        two.write(object, { start: 0, bytes: bytes.subarray(0, 800) }),
        one.write(object, { start: 500, bytes: bytes.subarray(500, 1000) }),
        two.write(object, { start: 0, bytes: bytes.subarray(0, 200) }),
      ]);
      expect(await assembled(one, 0, 1000)).toEqual([...bytes]);
      expect(await one.size()).toBe(800 + 500);
    });

    it("evicts the least recently used pieces", async () => {
      const cache = create(named({ maxBytes: 100 * KiB }));
      for (let i = 0; i < 20; i++) {
        await cache.write(object, { start: i * 10 * KiB, bytes: patterned(10 * KiB, i) });
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      expect(await cache.size()).toBeLessThanOrEqual(100 * KiB);
      expect(await cache.size()).toBeGreaterThan(70 * KiB);
      expect(await cache.read(object, { start: 0, end: 100 })).toEqual([]);
      expect((await cache.read(object, { start: 190 * KiB, end: 200 * KiB })).length).toBe(1);
    });

    it("does not store a piece that would evict everything else", async () => {
      const cache = create(named({ maxBytes: 100 * KiB }));
      await cache.write(object, { start: 0, bytes: patterned(10 * KiB) });
      await cache.write(object, { start: 50 * KiB, bytes: patterned(200 * KiB) });
      expect(await cache.size()).toBe(10 * KiB);
    });

    it("removes pieces older than maxAgeMs instead of returning them", async () => {
      const options = named();
      await create(options).write(object, { start: 0, bytes: patterned(100) });
      await new Promise((resolve) => setTimeout(resolve, 30));
      const cache = create({ ...options, maxAgeMs: 10 });
      expect(await cache.read(object, { start: 0, end: 100 })).toEqual([]);
      await cache.write(object, { start: 200, bytes: patterned(50) });
      expect(await cache.size()).toBe(50);
    });

    it("removes truncated or corrupted pieces instead of returning them", async () => {
      for (const change of [
        (bytes: Uint8Array) => bytes.slice(0, 60),
        (bytes: Uint8Array) => bytes.map((byte, i) => (i === 77 ? byte ^ 1 : byte)),
        () => "nonsense" as unknown as Uint8Array,
      ]) {
        const options = named();
        const cache = create(options);
        await cache.write(object, { start: 0, bytes: patterned(100) });
        await tamper(options.directory!, change);
        expect(await cache.read(object, { start: 0, end: 100 })).toEqual([]);
        await expect.poll(() => cache.size()).toBe(0);
        await cache.write(object, { start: 0, bytes: patterned(100) });
        expect(await assembled(cache, 0, 100)).toEqual([...patterned(100)]);
      }
    });

    it("clears one object, or everything", async () => {
      const cache = create(named());
      const other = { ...object, label: "https://example.org/ab" };
      for (const of of [object, other]) {
        await cache.see(of);
        await cache.write(of, { start: 0, bytes: patterned(100) });
      }
      await cache.clear(object.label);
      expect(await cache.latest(object.label)).toBeUndefined();
      expect(await cache.read(object, { start: 0, end: 100 })).toEqual([]);
      expect(await assembled(cache, 0, 100, other)).toEqual([...patterned(100)]);
      expect(await cache.size()).toBe(100);
      await cache.clear();
      expect(await cache.size()).toBe(0);
    });
  });
}

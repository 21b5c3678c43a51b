import type { ByteRange, RangeSource } from "@peekpack/core";
import { describe, expect, it } from "vitest";

/** A source made for one test. */
export interface RangeSourceSubject {
  readonly source: RangeSource;
  /** Replaces the object that the source reads. Needed where `versioned` is set. */
  replace?(bytes: Uint8Array): Promise<void>;
  /** Cleans up the storage of the source. The source itself may be closed already. */
  dispose?(): Promise<void>;
}

/** Bytes that depend on their offset. */
export function patterned(length: number, salt = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i ^ (i >>> 8) ^ (i >>> 16)) * 31 + salt;
  return bytes;
}

/** Random numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A signal that counts its listeners: now, and at most so far. */
export function countingSignal(): {
  controller: AbortController;
  signal: AbortSignal;
  listeners(): number;
  maxListeners(): number;
} {
  const controller = new AbortController();
  const { signal } = controller;
  const current = new Set<unknown>();
  let max = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = ((type: "abort", listener: () => void, options?: AddEventListenerOptions) => {
    current.add(listener);
    max = Math.max(max, current.size);
    add(type, listener, options);
  }) as typeof signal.addEventListener;
  signal.removeEventListener = ((type: "abort", listener: () => void) => {
    current.delete(listener);
    remove(type, listener);
  }) as typeof signal.removeEventListener;
  return { controller, signal, listeners: () => current.size, maxListeners: () => max };
}

/**
 * Registers the tests that every RangeSource and every wrapper must pass. `open` makes a source of the given bytes. With
 * `versioned`, the source must also detect that its object was replaced.
 */
export function rangeSourceContract(
  name: string,
  open: (bytes: Uint8Array) => RangeSourceSubject | Promise<RangeSourceSubject>,
  { versioned = false }: { readonly versioned?: boolean } = {},
): void {
  const using = async (
    bytes: Uint8Array,
    test: (source: RangeSource, subject: RangeSourceSubject) => Promise<void>,
  ): Promise<void> => {
    const subject = await open(bytes);
    try {
      await test(subject.source, subject);
    } finally {
      await subject.source.close?.();
      await subject.dispose?.();
    }
  };
  const slice = (bytes: Uint8Array, { start, end }: ByteRange): number[] => [...bytes.subarray(start, end)];
  const plain = (arrays: readonly Uint8Array[]): number[][] => arrays.map((array) => [...array]);

  describe(`range source: ${name}`, () => {
    it("has a label without a query", () =>
      using(patterned(10), async (source) => {
        expect(source.label).toMatch(/^[^?#]+$/);
      }));

    it("probes size, head and tail, also if they overlap or exceed the object", async () => {
      for (const length of [0, 1, 100, 5000]) {
        const bytes = patterned(length);
        for (const [head, tail] of [
          [0, 0],
          [16, 0],
          [0, 16],
          [16, 64],
          [4000, 4000],
          [100, 100],
          [9999, 9999],
        ] as const) {
          await using(bytes, async (source) => {
            const probe = await source.probe({ head, tail });
            expect(probe.size).toBe(length);
            expect([...probe.head]).toEqual([...bytes.subarray(0, head)]);
            expect([...probe.tail]).toEqual([...bytes.subarray(Math.max(0, length - tail))]);
          });
        }
      }
    });

    it("probes again with the same result", () =>
      using(patterned(3000), async (source) => {
        const first = await source.probe({ head: 10, tail: 20 });
        const second = await source.probe({ head: 10, tail: 20 });
        expect(second).toEqual(first);
      }));

    it("reads ranges in the given order, also overlapping, repeated and empty ones", () =>
      using(patterned(5000), async (source) => {
        const bytes = patterned(5000);
        const ranges = [
          { start: 4000, end: 5000 },
          { start: 0, end: 10 },
          { start: 5, end: 4500 },
          { start: 0, end: 10 },
          { start: 7, end: 7 },
          { start: 5000, end: 5000 },
          { start: 4999, end: 5000 },
        ];
        for (const range of ranges) Object.freeze(range);
        await source.probe({ head: 16, tail: 16 });
        const arrays = await source.read(Object.freeze(ranges));
        expect(plain(arrays)).toEqual(ranges.map((range) => slice(bytes, range)));
        for (const array of arrays) expect(Object.getPrototypeOf(array)).toBe(Uint8Array.prototype);
        expect(await source.read([])).toEqual([]);
      }));

    it("reads without an earlier probe", () =>
      using(patterned(300), async (source) => {
        expect(plain(await source.read([{ start: 290, end: 300 }]))).toEqual([
          slice(patterned(300), { start: 290, end: 300 }),
        ]);
        expect(plain(await source.read([{ start: 0, end: 300 }]))).toEqual([[...patterned(300)]]);
      }));

    it("does not change bytes that it returned", () =>
      using(patterned(4000), async (source) => {
        const [before] = await source.read([{ start: 100, end: 200 }]);
        await source.read([{ start: 150, end: 3000 }]);
        await source.read([{ start: 0, end: 4000 }]);
        expect([...before!]).toEqual(slice(patterned(4000), { start: 100, end: 200 }));
      }));

    it("rejects with `truncated` beyond the end", () =>
      using(patterned(100), async (source) => {
        for (const probed of [false, true]) {
          if (probed) await source.probe({ head: 10, tail: 10 });
          for (const range of [
            { start: 90, end: 101 },
            { start: 100, end: 101 },
            { start: 5000, end: 5001 },
          ]) {
            await expect(source.read([{ start: 0, end: 10 }, range])).rejects.toMatchObject({
              name: "PeekpackError",
              code: "truncated",
            });
          }
        }
        expect(plain(await source.read([{ start: 0, end: 100 }]))).toEqual([[...patterned(100)]]);
      }));

    it("rejects only the read whose range ends beyond the object", () =>
      using(patterned(100), async (source) => {
        const [good, bad, also] = await Promise.allSettled([
          source.read([{ start: 10, end: 90 }]),
          source.read([{ start: 80, end: 101 }]),
          source.read([{ start: 95, end: 100 }]),
        ]);
        expect(bad).toMatchObject({ status: "rejected", reason: { code: "truncated" } });
        expect(good).toMatchObject({ status: "fulfilled" });
        expect(also).toMatchObject({ status: "fulfilled" });
      }));

    it("rejects an invalid range with RangeError", () =>
      using(patterned(100), async (source) => {
        for (const [start, end] of [
          [-1, 5],
          [5, 4],
          [0.5, 2],
          [0, Number.NaN],
          [0, 2 ** 53],
        ] as const) {
          await expect(source.read([{ start, end }])).rejects.toBeInstanceOf(RangeError);
        }
      }));

    it("rejects with the signal's reason if the signal has aborted", () =>
      using(patterned(1000), async (source) => {
        const reason = { why: "no longer wanted" };
        const signal = AbortSignal.abort(reason);
        await expect(source.probe({ head: 1, tail: 1 }, { signal })).rejects.toBe(reason);
        await expect(source.read([{ start: 0, end: 10 }], { signal })).rejects.toBe(reason);
      }));

    it("rejects only the caller that aborts", () =>
      using(patterned(5000), async (source) => {
        const reason = new Error("aborted");
        const aborting = new AbortController();
        const range = { start: 1000, end: 3000 };
        const aborted = source.read([range], { signal: aborting.signal });
        const stays = source.read([range, { start: 2000, end: 4000 }]);
        aborting.abort(reason);
        const [first, second] = await Promise.allSettled([aborted, stays]);
        // Memory may have been faster than the abort.
        if (first.status === "rejected") expect(first.reason).toBe(reason);
        expect(plain((second as PromiseFulfilledResult<Uint8Array[]>).value)).toEqual([
          slice(patterned(5000), range),
          slice(patterned(5000), { start: 2000, end: 4000 }),
        ]);
        expect(plain(await source.read([range]))).toEqual([slice(patterned(5000), range)]);
      }));

    it("leaves no listener on a signal", () =>
      using(patterned(5000), async (source) => {
        const { signal, controller, listeners } = countingSignal();
        await source.probe({ head: 16, tail: 16 }, { signal });
        await source.read(
          [
            { start: 0, end: 10 },
            { start: 4000, end: 5000 },
          ],
          { signal },
        );
        await source.read([{ start: 0, end: 9999 }], { signal }).catch(() => {});
        expect(listeners()).toBe(0);
        const pending = source.read([{ start: 2000, end: 2500 }], { signal }).catch(() => {});
        controller.abort();
        await pending;
        await new Promise((resolve) => setTimeout(resolve, 0));
        expect(listeners()).toBe(0);
      }));

    it("adds few listeners to a signal that many reads share", () =>
      using(patterned(50_000), async (source) => {
        const { signal, listeners, maxListeners } = countingSignal();
        await source.probe({ head: 1, tail: 1 });
        const ranges = Array.from({ length: 50 }, (_, i) => ({ start: i * 1000, end: i * 1000 + 10 }));
        await Promise.all(ranges.map((range) => source.read([range], { signal })));
        await source.read(ranges, { signal });
        expect(listeners()).toBe(0);
        // Node warns of more than ten.
        expect(maxListeners()).toBeLessThanOrEqual(10);
      }));

    it("serves many reads at once", () =>
      using(patterned(70_000), async (source) => {
        const bytes = patterned(70_000);
        const random = seeded(7);
        await source.probe({ head: 64, tail: 64 });
        await Promise.all(
          Array.from({ length: 300 }, async () => {
            const ranges = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
              const start = Math.floor(random() * 70_000);
              return { start, end: Math.min(70_000, start + Math.floor(random() * 2000)) };
            });
            const arrays = await source.read(ranges);
            for (const [i, range] of ranges.entries()) {
              if (Buffer.compare(arrays[i]!, bytes.subarray(range.start, range.end)) !== 0) {
                expect.fail(`wrong bytes at ${range.start}`);
              }
            }
          }),
        );
      }));

    it("rejects with `closed` after close", () =>
      using(patterned(100), async (source) => {
        if (source.close === undefined) return;
        await source.probe({ head: 10, tail: 10 });
        await source.close();
        await source.close();
        await expect(source.read([{ start: 0, end: 10 }])).rejects.toMatchObject({ code: "closed" });
        await expect(source.probe({ head: 1, tail: 1 })).rejects.toMatchObject({ code: "closed" });
      }));

    it("is closed by `await using`, if it is disposable", () =>
      using(patterned(100), async (source) => {
        const dispose = source[Symbol.asyncDispose];
        if (dispose === undefined) return;
        await dispose.call(source);
        await expect(source.read([{ start: 0, end: 10 }])).rejects.toMatchObject({ code: "closed" });
      }));

    it("pins a known size, if it can pin", () =>
      using(patterned(100), async (source) => {
        if (source.pin === undefined) return;
        source.pin({ size: 100 });
        expect(plain(await source.read([{ start: 90, end: 100 }]))).toEqual([
          [...patterned(100).subarray(90)],
        ]);
        await expect(source.read([{ start: 90, end: 101 }])).rejects.toMatchObject({ code: "truncated" });
        await expect((async () => source.pin!({ size: 101 }))()).rejects.toMatchObject({ code: "changed" });
      }));

    if (!versioned) return;
    it("pins the version first seen, and reads the new one after reopen", () =>
      using(patterned(100_000), async (source, subject) => {
        await source.probe({ head: 16, tail: 16 });
        await subject.replace!(patterned(100_000, 5));
        await expect(source.read([{ start: 50_000, end: 50_010 }])).rejects.toMatchObject({
          code: "changed",
        });
        if (source.reopen !== undefined) {
          const fresh = source.reopen();
          const probe = await fresh.probe({ head: 16, tail: 0 });
          expect([...probe.head]).toEqual([...patterned(16, 5)]);
          expect(plain(await fresh.read([{ start: 50_000, end: 50_010 }]))).toEqual([
            slice(patterned(100_000, 5), { start: 50_000, end: 50_010 }),
          ]);
          await expect(source.read([{ start: 60_000, end: 60_010 }])).rejects.toMatchObject({
            code: "changed",
          });
          await fresh.close?.();
        }
      }));
  });
}

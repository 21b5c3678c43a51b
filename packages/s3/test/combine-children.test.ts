/** How `store.combine` looks into its children: how many at once, in which order, and until when. */
import { encodeArchive, openArchive } from "@peekpack/core";
import { describe, expect, it } from "vitest";
import { type S3StoreOptions, type StoreChild, s3Store } from "../src/index.js";

/** The archive that each child is. Its position is in its key. */
const childOf = (path: string): Uint8Array => encodeArchive(Number(/\d+$/.exec(path)![0]));

/** A store of children 'bucket/child-N'. It holds back reads until `most` wait, or no other comes. */
function childStore(options: Partial<S3StoreOptions> = {}) {
  const seen = { reads: 0, atOnce: 0, most: 0, stored: new Uint8Array(0) };
  const store = s3Store({
    endpoint: "http://127.0.0.1:9",
    credentials: { accessKeyId: "id", secretAccessKey: "secret" },
    writer: "fetch",
    async fetch(request) {
      request.signal.throwIfAborted();
      if (request.method === "PUT") {
        seen.stored = new Uint8Array(await request.arrayBuffer());
        return new Response(null, { headers: { etag: '"stored"' } });
      }
      seen.reads++;
      seen.most = Math.max(seen.most, ++seen.atOnce);
      // The later a child, the sooner its response.
      const bytes = childOf(new URL(request.url).pathname);
      await new Promise((resolve) => setTimeout(resolve, 5 - (seen.reads % 5)));
      seen.atOnce--;
      request.signal.throwIfAborted();
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range")!)!;
      const end = Math.min(bytes.length, Number(to) + 1);
      return new Response(bytes.slice(Number(from), end), {
        status: 206,
        headers: { etag: '"child"', "content-range": `bytes ${from}-${end - 1}/${bytes.length}` },
      });
    },
    ...options,
  });
  return { store, seen };
}

const sources = (count: number): StoreChild[] =>
  Array.from({ length: count }, (_, i) => ({ source: `bucket/child-${i}` }));

describe("the children of a combined archive", () => {
  it("are looked into and read at once, at most 32 of them, and keep their order", async () => {
    const { store, seen } = childStore();
    await store.combine("bucket/all", sources(200));
    expect(seen.most).toBeGreaterThan(8);
    expect(seen.most).toBeLessThanOrEqual(32);
    const archive = await openArchive(seen.stored);
    expect(await archive.read()).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it("are read one after the other with concurrency: 1", async () => {
    const { store, seen } = childStore();
    await store.combine("bucket/all", sources(10), { concurrency: 1 });
    expect(seen.most).toBe(1);
  });

  it("are taken as they are needed, and no more after one fails", async () => {
    let taken = 0;
    async function* children(): AsyncGenerator<StoreChild> {
      for (const child of sources(1000)) {
        taken++;
        yield taken === 40 ? { source: new Uint8Array(100) } : child;
      }
    }
    const { store, seen } = childStore();
    await expect(store.combine("bucket/all", children())).rejects.toMatchObject({ code: "not-an-archive" });
    expect(taken).toBeLessThan(80);
    const { reads } = seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen.reads).toBe(reads);
    expect(seen.stored).toHaveLength(0);
  });

  it("have their values consumed before the next child is taken, which may share their stream", async () => {
    const order: string[] = [];
    async function* children(): AsyncGenerator<StoreChild> {
      for (const n of [1, 2]) {
        order.push(`take ${n}`);
        yield {
          value: (async function* () {
            order.push(`consume ${n}`);
            yield n;
          })(),
        };
        yield { source: `bucket/child-${n}` };
      }
    }
    const { store, seen } = childStore();
    await store.combine("bucket/all", children());
    expect(order).toEqual(["take 1", "consume 1", "take 2", "consume 2"]);
    expect(await (await openArchive(seen.stored)).read()).toEqual([[1], 1, [2], 2]);
  });

  it("are left as soon as the signal aborts, even if no further child comes", async () => {
    const { store } = childStore();
    const controller = new AbortController();
    const reason = new Error("enough");
    let ended = false;
    async function* children(): AsyncGenerator<StoreChild> {
      try {
        yield* sources(3);
        controller.abort(reason);
        await new Promise((resolve) => setTimeout(resolve, 50));
        yield* sources(1);
      } finally {
        ended = true;
      }
    }
    await expect(store.combine("bucket/all", children(), { signal: controller.signal })).rejects.toBe(reason);
    expect(ended).toBe(false);
    await expect.poll(() => ended).toBe(true);
  });
});

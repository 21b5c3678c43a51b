import { execFile } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { bytesSource, encodeArchive, openArchive, type RangeSource, withRangeCache } from "@peekpack/core";
import { childProgram } from "@peekpack/testing";
import { assembled, rangeCacheContract } from "@peekpack/testing/contracts/range-cache";
import { patterned } from "@peekpack/testing/contracts/range-source";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { persistentCache } from "../src/index.js";

const object = { label: "https://example.org/a", version: '"1"', size: 10 * 2 ** 20 };

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "peekpack-cache-"));
});
afterAll(() => rm(root, { recursive: true }));

let count = 0;
const fresh = (): string => join(root, `cache-${++count}`);

/** Paths of all pieces. */
async function piecesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /^\d+-/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

async function tamper(directory: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  for (const file of await piecesIn(directory)) await writeFile(file, change(await readFile(file)));
}

rangeCacheContract("disk", { create: persistentCache, fresh, tamper });

describe("persistentCache", () => {
  it("serves cached ranges without the network", async () => {
    const directory = fresh();
    const bytes = encodeArchive({ a: "x".repeat(20_000), b: "y".repeat(20_000) });
    const here = (): RangeSource => ({
      ...bytesSource(bytes, { label: "https://example.org/b", version: '"7"' }),
      local: false,
    });
    const first = await openArchive(withRangeCache(here(), persistentCache({ directory })), {
      headBytes: 64,
      tailBytes: 64,
    });
    expect(await first.read("a")).toBe("x".repeat(20_000));
    await first.close();
    const gone: RangeSource = {
      ...here(),
      probe: () => Promise.reject(new Error("no network")),
      read: () => Promise.reject(new Error("no network")),
    };
    const again = await openArchive(
      withRangeCache(gone, persistentCache({ directory }), { revalidate: false }),
      { headBytes: 64, tailBytes: 64 },
    );
    expect(await again.read("a")).toBe("x".repeat(20_000));
    await expect(again.read("b")).rejects.toThrow("no network");
    await again.close();
  });

  it("stays within maxBytes while several processes write to it", async () => {
    const directory = fresh();
    const maxBytes = 400_000;
    const program = await childProgram(new URL("cache-writer.ts", import.meta.url));
    await Promise.all(
      [1, 2, 3].map((salt) =>
        promisify(execFile)(process.execPath, [program.path, JSON.stringify({ directory, maxBytes, salt })]),
      ),
    );
    await program.remove();
    const cache = persistentCache({ directory, maxBytes });
    // This write sees the writes of the other processes.
    await cache.write({ ...object, label: "last" }, { start: 0, bytes: patterned(100) });
    expect(await cache.size()).toBeLessThanOrEqual(maxBytes);
    expect(await cache.size()).toBeGreaterThan(maxBytes / 4);
    for (const start of [0, 10_000, 390_000]) {
      for (const { bytes } of await cache.read(object, { start, end: start + 10 })) {
        expect(bytes.length).toBe(10_000);
      }
    }
  });

  it("can be read by this user only", async (test) => {
    if (process.platform === "win32") return test.skip("Windows has no modes");
    const directory = fresh();
    await persistentCache({ directory }).write(object, { start: 0, bytes: patterned(100) });
    expect((await stat(directory)).mode & 0o077).toBe(0);
    for (const file of await piecesIn(directory)) expect((await stat(file)).mode & 0o077).toBe(0);
  });

  it("reveals nothing of an object in file names", async () => {
    const directory = fresh();
    const cache = persistentCache({ directory });
    await cache.see({ ...object, label: "https://example.org/a/../../b c" });
    await cache.write(
      { ...object, label: "https://example.org/a/../../b c" },
      { start: 0, bytes: patterned(9) },
    );
    const names = await readdir(directory, { recursive: true });
    expect(names.filter((name) => name.includes("example") || name.includes(".."))).toEqual([]);
    expect(await assembled(cache, 0, 9, { ...object, label: "https://example.org/a/../../b c" })).toEqual([
      ...patterned(9),
    ]);
  });

  it("never fails a read if its directory cannot be created", async () => {
    const file = join(root, "file");
    await writeFile(file, "");
    const below = persistentCache({ directory: join(file, "cache") });
    expect(await below.available()).toBe(false);
    const bytes = patterned(1000);
    const source = withRangeCache(bytesSource(bytes, { label: "memory", version: '"1"' }), below);
    expect((await source.probe({ head: 4, tail: 4 })).size).toBe(1000);
    expect([...(await source.read([{ start: 5, end: 50 }]))[0]!]).toEqual([...bytes.subarray(5, 50)]);
    await source.close?.();
  });

  it("is not available in a read-only directory", async (test) => {
    if (process.getuid?.() === 0) test.skip("root may write everywhere");
    const readOnly = fresh();
    const cache = persistentCache({ directory: readOnly });
    expect(await cache.available()).toBe(true);
    await chmod(readOnly, 0o500);
    expect(await cache.available()).toBe(false);
  });

  it("rejects invalid bounds with RangeError", () => {
    expect(() => persistentCache({ maxBytes: 0 })).toThrow(RangeError);
    expect(() => persistentCache({ maxAgeMs: Number.NaN })).toThrow(RangeError);
  });
});

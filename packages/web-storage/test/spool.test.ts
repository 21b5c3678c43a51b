import { listOf, memorySink, openArchive, PeekpackError, writeArchive } from "@peekpack/core";
import { type MemoryTarget, memoryTarget } from "@peekpack/testing/contracts/memory-target";
import { patterned } from "@peekpack/testing/contracts/range-source";
import { beforeEach, describe, expect, it } from "vitest";
import {
  discardUpload,
  type PendingUpload,
  pendingUploads,
  resumeUpload,
  type SpoolSinkOptions,
  spoolSink,
  storageQuota,
} from "../src/index.js";
import { type FakeBrowser, fakeBrowser } from "./fake-browser.js";
import { archiveOf, fillSink, HEADER, sameBytes } from "./fill-sink.js";

const MiB = 2 ** 20;
const PART = 5 * MiB;
const BYTES = patterned(4 * PART);
const bytesOf = (length: number): Uint8Array => BYTES.subarray(0, length);

let browser: FakeBrowser;
let target: MemoryTarget;
let count = 0;
let options: SpoolSinkOptions & { readonly directory: string };
beforeEach(() => {
  browser = fakeBrowser();
  target = memoryTarget();
  options = { directory: `spool-${++count}`, partSize: PART, concurrency: 1, durable: true };
});

const pending = (): Promise<PendingUpload[]> => pendingUploads({ directory: options.directory });

/** The keys of a store in the database of the spools. */
function keys(store: string): Promise<IDBValidKey[]> {
  return new Promise((resolve, reject) => {
    const open = indexedDB.open(`peekpack-spool/${options.directory}`);
    open.onerror = () => reject(open.error);
    open.onsuccess = () => {
      const request = open.result.transaction(store).objectStore(store).getAllKeys();
      request.onsuccess = () => {
        open.result.close();
        resolve(request.result);
      };
    };
  });
}

/** Changes a stored part. */
function damage(number: number, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const open = indexedDB.open(`peekpack-spool/${options.directory}`);
    open.onerror = () => reject(open.error);
    open.onsuccess = () => {
      const transaction = open.result.transaction("parts", "readwrite");
      const cursor = transaction.objectStore("parts").openCursor();
      cursor.onsuccess = () => {
        if (cursor.result === null) return;
        if ((cursor.result.key as [string, number])[1] === number)
          cursor.result.update(change(cursor.result.value));
        cursor.result.continue();
      };
      transaction.oncomplete = () => {
        open.result.close();
        resolve();
      };
    };
  });
}

/** Spools bytes, and makes the upload fail at a call. */
async function failAt(
  call: string,
  bytes: Uint8Array,
  code: "network" | "denied" = "denied",
): Promise<PendingUpload> {
  target.before = (name) => {
    if (name === call) throw new PeekpackError(code, "The test refuses.");
  };
  await expect(fillSink(spoolSink(target, options), bytes)).rejects.toMatchObject({ code });
  target.before = () => {};
  const [left, more] = await pending();
  expect(more).toBeUndefined();
  return left!;
}

describe("a spool", () => {
  it("uploads the written bytes for any size", async () => {
    for (const size of [0, 1, PART - 51, PART - 50, PART - 49, 2 * PART - 50, 2 * PART + 77]) {
      const bytes = bytesOf(size);
      await fillSink(spoolSink(target, options), bytes);
      expect(sameBytes(target.object, archiveOf(bytes))).toBe(true);
      expect(await pending()).toEqual([]);
      expect([...(await keys("parts")), ...(await keys("journal"))]).toEqual([]);
    }
    // An archive of at most one part is one PUT.
    expect(target.calls.filter((name) => name === "putObject").length).toBe(4);
    expect(target.uploads.size).toBe(0);
  });

  it("uploads an archive below the threshold as one PUT", async () => {
    const bytes = bytesOf(2 * PART + 5);
    await fillSink(spoolSink(target, { ...options, threshold: 20 * MiB }), bytes);
    expect(target.calls).toEqual(["putObject"]);
    expect(sameBytes(target.object, archiveOf(bytes))).toBe(true);
  });

  it("stores the same archive as a memory sink", async () => {
    const value = { rows: listOf(Array.from({ length: 300 }, (_, i) => ({ i, text: "x".repeat(i) }))) };
    await writeArchive(spoolSink(target, options), value);
    const memory = memorySink();
    await writeArchive(memory, value);
    expect(sameBytes(target.object, memory.bytes())).toBe(true);
    expect(await (await openArchive(target.object!)).read("rows/299/i")).toBe(299);
  });

  it("neither keeps nor changes a chunk", async () => {
    const chunk = bytesOf(1000).slice();
    const sink = spoolSink(target, options);
    const writing = sink.write(chunk);
    await writing;
    expect(sameBytes(chunk, bytesOf(1000))).toBe(true);
    await sink.finish(HEADER);
    expect(sameBytes(target.object, archiveOf(bytesOf(1000)))).toBe(true);
  });

  it("reports progress", async () => {
    const phases: string[] = [];
    const bytes = bytesOf(2 * PART);
    let last = { bytesProduced: 0, bytesUploaded: 0 };
    const onProgress: SpoolSinkOptions["onProgress"] = (progress) => {
      if (phases.at(-1) !== progress.phase) phases.push(progress.phase);
      last = progress;
    };
    await fillSink(spoolSink(target, { ...options, onProgress }), bytes);
    expect(phases).toEqual(["writing", "uploading", "completing", "done"]);
    expect(last).toMatchObject({ bytesProduced: bytes.length + 50, bytesUploaded: bytes.length + 50 });
  });

  it("with removeUploaded removes each part when the server has confirmed it, not before", async () => {
    const left: number[] = [];
    target.before = async (name) => {
      if (name.startsWith("uploadPart")) left.push((await keys("parts")).length);
      if (name === "completeUpload") left.push((await keys("parts")).length);
    };
    await fillSink(spoolSink(target, { ...options, removeUploaded: true }), bytesOf(3 * PART));
    expect(left).toEqual([4, 3, 2, 1, 0]);
  });

  it("rejects invalid options", () => {
    for (const wrong of [{ partSize: 5 }, { maxBytes: -1 }, { expectedSize: 0.5 }]) {
      expect(() => spoolSink(target, { ...options, ...wrong })).toThrow(RangeError);
    }
    for (const directory of ["", "a/b", "..", "x".repeat(101)]) {
      expect(() => spoolSink(target, { directory })).toThrow(TypeError);
    }
  });

  it("rejects with denied without Web Locks", async () => {
    Object.defineProperty(navigator, "locks", { value: undefined });
    await expect(spoolSink(target, options).write(bytesOf(5))).rejects.toMatchObject({ code: "denied" });
  });

  it("rejects with closed after it has ended", async () => {
    const sink = spoolSink(target, options);
    await fillSink(sink, bytesOf(10));
    await expect(sink.write(bytesOf(1))).rejects.toMatchObject({ code: "closed" });
    await sink.abort();
    const other = spoolSink(target, options);
    await other.write(bytesOf(10));
    await other.abort();
    await other.abort();
    await expect(other.finish(HEADER)).rejects.toMatchObject({ code: "closed" });
    expect(await keys("journal")).toEqual([]);
  });

  it("checks the quota before the first write and before each part", async () => {
    browser.estimate = { usage: 10 * MiB, quota: 30 * MiB };
    expect(await storageQuota()).toEqual({
      used: 10 * MiB,
      quota: 30 * MiB,
      free: 20 * MiB,
      persisted: false,
    });
    const announced = spoolSink(target, { ...options, expectedSize: 21 * MiB });
    await expect(announced.write(bytesOf(5))).rejects.toMatchObject({ code: "quota", section: "spool" });
    const sink = spoolSink(target, options);
    await sink.write(bytesOf(PART));
    browser.estimate = { usage: 28 * MiB, quota: 30 * MiB };
    await expect(fillSink(sink, bytesOf(PART))).rejects.toMatchObject({ code: "quota" });
    expect([...(await keys("parts")), ...(await keys("journal"))]).toEqual([]);
  });
});

describe("an upload that failed", () => {
  it("is resumed with the missing parts", async () => {
    const bytes = bytesOf(3 * PART);
    const left = await failAt("uploadPart 3", bytes);
    expect(left).toMatchObject({
      target: target.label,
      put: "overwrite",
      state: "uploading",
      failure: "denied",
      size: bytes.length + 50,
      bytesUploaded: 2 * PART,
      storage: "indexeddb",
      active: false,
    });
    target.calls.length = 0;
    await resumeUpload(left, target, { concurrency: 1 });
    expect(target.calls).toEqual(["listParts", "uploadPart 3", "uploadPart 4", "completeUpload"]);
    expect(sameBytes(target.object, archiveOf(bytes))).toBe(true);
    await expect(resumeUpload(left, target)).rejects.toMatchObject({ code: "not-found" });
  });

  it("is never replaced by another one once parts were removed here", async () => {
    for (const [call, code] of [
      ["completeUpload", "conflict"],
      ["completeUpload", "not-found"],
      ["uploadPart 4", "conflict"],
    ] as const) {
      target = memoryTarget();
      options = { ...options, directory: `${options.directory}-`, removeUploaded: true };
      const bytes = bytesOf(3 * PART);
      target.before = (name) => {
        if (name === call) throw new PeekpackError(code, "The test refuses.");
      };
      await expect(fillSink(spoolSink(target, options), bytes)).rejects.toMatchObject({ code });
      expect(target.calls).not.toContain("abortUpload");
      expect(target.calls.filter((name) => name === "createUpload").length).toBe(1);
      target.before = () => {};
      const [left] = await pending();
      await resumeUpload(left!, target);
      expect(sameBytes(target.object, archiveOf(bytes))).toBe(true);
    }
  });

  it("starts again if the server has removed it and all parts are still here", async () => {
    const bytes = bytesOf(2 * PART);
    const left = await failAt("uploadPart 1", bytes);
    target.uploads.clear();
    await resumeUpload(left, target);
    expect(sameBytes(target.object, archiveOf(bytes))).toBe(true);
    // By default parts are kept until the end.
    const kept = await failAt("uploadPart 3", bytes);
    expect((await keys("parts")).length).toBe(3);
    target.uploads.clear();
    target.object = undefined;
    await resumeUpload(kept, target);
    expect(sameBytes(target.object, archiveOf(bytes))).toBe(true);
  });

  it("rejects with truncated if the server has removed the only copy", async () => {
    options = { ...options, removeUploaded: true };
    const left = await failAt("uploadPart 3", bytesOf(3 * PART));
    target.uploads.clear();
    await expect(resumeUpload(left, target)).rejects.toMatchObject({ code: "truncated", section: "spool" });
    expect((await pending())[0]).toMatchObject({ failure: "truncated" });
    await discardUpload(left, target);
    expect([...(await keys("parts")), ...(await keys("journal"))]).toEqual([]);
  });

  it("rejects with truncated if the server has lost a part of which it had the only copy", async () => {
    options = { ...options, removeUploaded: true };
    const left = await failAt("uploadPart 3", bytesOf(3 * PART));
    [...target.uploads.values()][0]!.delete(1);
    await expect(resumeUpload(left, target)).rejects.toMatchObject({ code: "truncated" });
    expect(target.uploads.size).toBe(1);
    expect(target.object).toBeUndefined();
  });

  it("never sends a damaged part", async () => {
    for (const [change, code] of [
      [(bytes: Uint8Array) => bytes.slice(0, 100), "truncated"],
      [(bytes: Uint8Array) => bytes.map((byte, i) => (i === 12_345 ? byte ^ 4 : byte)), "corrupt"],
    ] as const) {
      options = { ...options, directory: `${options.directory}-` };
      target.object = undefined;
      const left = await failAt("uploadPart 2", bytesOf(2 * PART));
      await damage(2, change);
      await expect(resumeUpload(left, target)).rejects.toMatchObject({ code, section: "spool" });
      expect(target.object).toBeUndefined();
    }
  });

  it("succeeds if the object had been committed without a response", async () => {
    const bytes = bytesOf(2 * PART);
    const { completeUpload } = target;
    target.completeUpload = async (...args) => {
      await completeUpload(...args);
      throw new PeekpackError("network", "The response was lost.");
    };
    await expect(fillSink(spoolSink(target, options), bytes)).rejects.toMatchObject({ code: "network" });
    const [left] = await pending();
    expect(left).toMatchObject({ state: "committing", failure: "network" });
    let again: boolean | undefined;
    target.completeUpload = async (_, __, given) => {
      again = given?.again;
      return { size: bytes.length + 50, etag: '"1"' };
    };
    const result = await resumeUpload(left!, target);
    expect(again).toBe(true);
    expect(result).toMatchObject({ size: bytes.length + 50, version: '"1"', location: target.label });
  });

  it("rejects another target with TypeError", async () => {
    const left = await failAt("uploadPart 2", bytesOf(2 * PART));
    const other = memoryTarget("s3://bucket/other");
    await expect(resumeUpload(left, other)).rejects.toBeInstanceOf(TypeError);
    await expect(discardUpload(left, other)).rejects.toBeInstanceOf(TypeError);
    await expect(discardUpload(left)).rejects.toBeInstanceOf(TypeError);
    await expect(resumeUpload(left, { ...target, put: "create" })).rejects.toBeInstanceOf(TypeError);
    await discardUpload(left, target);
    expect(target.uploads.size).toBe(0);
    await discardUpload(left, target);
  });

  it("stays listed if it cannot be discarded because the server is away", async () => {
    const left = await failAt("uploadPart 2", bytesOf(2 * PART));
    target.before = () => {
      throw new PeekpackError("network", "The test refuses.");
    };
    await expect(discardUpload(left, target)).rejects.toMatchObject({ code: "network" });
    expect(await pending()).toEqual([left]);
  });

  it("leaves nothing by default", async () => {
    target.before = (name) => {
      if (name === "uploadPart 2") throw new PeekpackError("denied", "The test refuses.");
    };
    await expect(
      fillSink(spoolSink(target, { ...options, durable: undefined }), bytesOf(2 * PART)),
    ).rejects.toMatchObject({
      code: "denied",
    });
    expect(target.uploads.size).toBe(0);
    expect([...(await keys("parts")), ...(await keys("journal"))]).toEqual([]);
  });

  it("rejects with the signal's reason, and stays", async () => {
    const controller = new AbortController();
    target.before = (name) => {
      if (name === "uploadPart 2") controller.abort("enough");
    };
    const filling = fillSink(spoolSink(target, { ...options, signal: controller.signal }), bytesOf(3 * PART));
    await expect(filling).rejects.toBe("enough");
    expect((await pending())[0]).toMatchObject({ state: "uploading", failure: "stopped" });
  });
});

describe("a page that ended", () => {
  it("leaves a spool that is listed when its lock is free", async () => {
    const sink = spoolSink(target, options);
    await sink.write(bytesOf(2 * PART));
    expect(await pending()).toEqual([]);
    const [living] = await pendingUploads({ directory: options.directory, active: true });
    expect(living).toMatchObject({
      state: "unfinished",
      active: true,
      size: undefined,
      bytesSealed: 2 * PART - 50,
    });
    await expect(resumeUpload(living!, target)).rejects.toMatchObject({ code: "conflict" });
    await expect(discardUpload(living!, target)).rejects.toMatchObject({ code: "conflict" });
    browser.dropLocks();
    const [ended] = await pending();
    expect(ended).toMatchObject({ state: "unfinished", active: false });
    await expect(resumeUpload(ended!, target)).rejects.toMatchObject({ code: "unfinished" });
    await discardUpload(ended!);
    expect([...(await keys("parts")), ...(await keys("journal"))]).toEqual([]);
  });

  it("leaves parts without a record, which are removed when its lock is free", async () => {
    const sink = spoolSink(target, options);
    await sink.write(bytesOf(PART));
    await new Promise<void>((resolve) => {
      const open = indexedDB.open(`peekpack-spool/${options.directory}`);
      open.onsuccess = () => {
        const transaction = open.result.transaction("journal", "readwrite");
        transaction.objectStore("journal").clear();
        transaction.oncomplete = () => {
          open.result.close();
          resolve();
        };
      };
    });
    expect(await pending()).toEqual([]);
    expect((await keys("parts")).length).toBe(1);
    browser.dropLocks();
    expect(await pending()).toEqual([]);
    expect(await keys("parts")).toEqual([]);
  });
});

describe("an upload while the browser is offline", () => {
  it("waits, and repeats the request that failed", async () => {
    const bytes = bytesOf(2 * PART);
    target.before = (name) => {
      if (name === "uploadPart 2" && target.calls.filter((other) => other === name).length === 1) {
        browser.online = false;
        setTimeout(() => {
          browser.online = true;
        }, 30);
        // For example a presigner that is offline too.
        throw new TypeError("Failed to fetch");
      }
    };
    await fillSink(spoolSink(target, options), bytes);
    expect(target.calls.filter((name) => name === "uploadPart 2").length).toBe(2);
    expect(sameBytes(target.object, archiveOf(bytes))).toBe(true);
  });

  it("marks a repeated commit as such", async () => {
    const given: (boolean | undefined)[] = [];
    const { putObject } = target;
    target.putObject = async (body, more) => {
      given.push(more?.again);
      if (given.length === 1) {
        browser.online = false;
        browser.online = true;
        throw new PeekpackError("network", "The connection broke.");
      }
      return putObject(body, more);
    };
    await fillSink(spoolSink(target, options), bytesOf(10));
    expect(given[0]).not.toBe(true);
    expect(given[1]).toBe(true);
  });

  it("fails at once while online, and on abort while offline", async () => {
    target.before = () => {
      throw new PeekpackError("network", "The server is down.");
    };
    await expect(fillSink(spoolSink(target, options), bytesOf(10))).rejects.toMatchObject({
      code: "network",
    });
    browser.online = false;
    const signal = AbortSignal.timeout(20);
    const filling = fillSink(spoolSink(target, { ...options, signal }), bytesOf(10));
    await expect(filling).rejects.toMatchObject({ name: "TimeoutError" });
  });
});

describe("the result of a write", () => {
  it("says why the parts are not in OPFS", async () => {
    const sink = spoolSink(target, options);
    await sink.write(bytesOf(100));
    const { storage, notice } = await sink.finish(HEADER);
    expect(storage).toBe("indexeddb");
    expect(notice).toMatch(/IndexedDB.* refused/);
  });

  it("has no notice if the options exclude OPFS", async () => {
    const sink = spoolSink(target, { ...options, storage: "indexeddb" });
    await sink.write(bytesOf(100));
    expect(await sink.finish(HEADER)).not.toHaveProperty("notice");
  });
});

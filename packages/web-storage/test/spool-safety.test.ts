import { memorySink, PeekpackError } from "@peekpack/core";
import { crc32 } from "@peekpack/core/internal";
import { type MemoryTarget, memoryTarget } from "@peekpack/testing/contracts/memory-target";
import { patterned } from "@peekpack/testing/contracts/range-source";
import { beforeEach, describe, expect, it } from "vitest";
import {
  discardUpload,
  exportUpload,
  type PendingUpload,
  pendingBlob,
  pendingUploads,
  resumeUpload,
  type SpoolSinkOptions,
  spoolSink,
} from "../src/index.js";
import { fakeBrowser } from "./fake-browser.js";
import { archiveOf, fillSink, sameBytes } from "./fill-sink.js";

const MiB = 2 ** 20;
const PART = 5 * MiB;
const bytes = patterned(2 * PART + 77);
const whole = archiveOf(bytes);

let target: MemoryTarget;
let count = 0;
let options: SpoolSinkOptions & { readonly directory: string };
beforeEach(() => {
  fakeBrowser();
  target = memoryTarget();
  options = { directory: `safety-${++count}`, partSize: PART, concurrency: 1, durable: true };
});

const pending = (): Promise<PendingUpload[]> => pendingUploads({ directory: options.directory });

/** Makes the upload of a durable spool fail at a call, and returns what is left. */
async function failAt(call: string, code: "denied" | "exists" = "denied"): Promise<PendingUpload> {
  const known = new Set((await pending()).map(({ id }) => id));
  target.before = (name) => {
    if (name === call) throw new PeekpackError(code, "The test refuses.");
  };
  await expect(fillSink(spoolSink(target, options), bytes)).rejects.toMatchObject({ code });
  target.before = () => {};
  return (await pending()).find(({ id }) => !known.has(id))!;
}

/** Runs `work` on a store of the spools' database. */
function withStore(name: string, work: (store: IDBObjectStore) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const open = indexedDB.open(`peekpack-spool/${options.directory}`);
    open.onerror = () => reject(open.error);
    open.onsuccess = () => {
      const transaction = open.result.transaction(name, "readwrite");
      work(transaction.objectStore(name));
      transaction.oncomplete = () => {
        open.result.close();
        resolve();
      };
    };
  });
}

interface StoredRecord {
  readonly layout: number;
  readonly text: string;
  readonly crc32: number;
}

/** Changes the records of a spool, or removes those for which `change` returns undefined. */
const changeRecords = (
  id: string,
  change: (record: StoredRecord, key: readonly unknown[]) => unknown,
): Promise<void> =>
  withStore("journal", (store) => {
    const request = store.openCursor();
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor === null) return;
      const key = cursor.key as unknown[];
      if (key[0] === id) {
        const changed = change(cursor.value, key);
        if (changed === undefined) cursor.delete();
        else cursor.update(changed);
      }
      cursor.continue();
    };
  });

/** Changes the content of a record, and gives it a valid checksum. */
const rewritten = (
  record: StoredRecord,
  change: (value: Record<string, unknown>) => object,
): StoredRecord => {
  const text = JSON.stringify(change(JSON.parse(record.text)));
  return { ...record, text, crc32: crc32(new TextEncoder().encode(text)) };
};

const flipBit = (text: string, at: number): string =>
  text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << (at % 6))) + text.slice(at + 1);

describe("a damaged journal", () => {
  it("never uploads other bytes, whichever bit of the spool's state flips", async () => {
    const left = await failAt("createUpload");
    let head!: StoredRecord;
    await changeRecords(left.id, (record, key) => {
      if (key.length === 1) head = record;
      return record;
    });
    for (let at = 0; at < head.text.length; at += 5) {
      const flipped = { ...head, text: flipBit(head.text, at) };
      await changeRecords(left.id, (record, key) => (key.length === 1 ? flipped : record));
      await expect(resumeUpload(left, target)).rejects.toMatchObject({ code: "corrupt", section: "spool" });
    }
    expect(target.object).toBeUndefined();
    await changeRecords(left.id, (record, key) => (key.length === 1 ? head : record));
    await resumeUpload(left, target);
    expect(sameBytes(target.object, whole)).toBe(true);
  });

  it.each([
    [
      "a part size of 0",
      (r: StoredRecord) => rewritten(r, (v) => ("partSize" in v ? { ...v, partSize: 0 } : v)),
    ],
    [
      "a missing record of a part",
      (_: StoredRecord, key: readonly unknown[]) => (key[2] === 3 ? undefined : _),
    ],
    ["no state", (record: StoredRecord, key: readonly unknown[]) => (key.length === 1 ? undefined : record)],
  ])("with %s is listed with its problem, hides no other, and can be discarded", async (_, change) => {
    const first = await failAt("uploadPart 2");
    const second = await failAt("uploadPart 2");
    await changeRecords(first.id, change);
    const listed = await pending();
    expect(new Map(listed.map(({ id, state }) => [id, state]))).toEqual(
      new Map([
        [first.id, "damaged"],
        [second.id, "uploading"],
      ]),
    );
    const damaged = listed.find(({ id }) => id === first.id)!;
    expect(damaged.problem).toEqual(expect.any(String));
    await expect(resumeUpload(damaged, target)).rejects.toMatchObject({ code: "corrupt" });
    await discardUpload(damaged);
    expect((await pending()).map(({ id }) => id)).toEqual([second.id]);
    await resumeUpload(second, target);
    expect(sameBytes(target.object, whole)).toBe(true);
  });
});

it("keeps the parts of a spool of another layout, and names the layout", async () => {
  const left = await failAt("uploadPart 2");
  await changeRecords(left.id, (record, key) =>
    key.length === 1 ? { layout: 3, other: record.text } : record,
  );
  const [kept] = await pending();
  expect(kept).toMatchObject({
    id: left.id,
    state: "unsupported",
    problem: expect.stringContaining("layout 3"),
  });
  await expect(resumeUpload(kept!, target)).rejects.toMatchObject({ code: "denied" });
  await expect(discardUpload(kept!, target)).rejects.toMatchObject({ code: "denied" });
  let parts = 0;
  await withStore("parts", (store) => {
    const request = store.count();
    request.onsuccess = () => {
      parts = request.result;
    };
  });
  expect(parts).toBe(3);
});

describe("a spool that was refused by exists", () => {
  it("is resumed with another write condition, without sending its parts again", async () => {
    target = memoryTarget("s3://bucket/key", "create");
    const left = await failAt("completeUpload", "exists");
    expect(left).toMatchObject({ state: "committing", put: "create", failure: "exists" });
    const overwrite: MemoryTarget = Object.assign(target, { put: "overwrite" });
    await expect(resumeUpload(left, overwrite)).rejects.toBeInstanceOf(TypeError);
    target.calls.length = 0;
    await resumeUpload(left, overwrite, { changeTarget: true });
    expect(target.calls).toEqual(["listParts", "completeUpload"]);
    expect(sameBytes(target.object, whole)).toBe(true);
  });

  it("is resumed under another key, and its parts under the old key are removed", async () => {
    const left = await failAt("completeUpload", "exists");
    const other = memoryTarget("s3://bucket/other");
    await expect(resumeUpload(left, other, { changeTarget: true })).rejects.toBeInstanceOf(TypeError);
    await resumeUpload(left, other, { changeTarget: true, previousTarget: target });
    expect(target.uploads.size).toBe(0);
    expect(target.object).toBeUndefined();
    expect(sameBytes(other.object, whole)).toBe(true);
  });

  it("keeps its key if parts were removed here", async () => {
    options = { ...options, removeUploaded: true };
    const left = await failAt("completeUpload", "exists");
    const other = memoryTarget("s3://bucket/other");
    const change = { changeTarget: true, previousTarget: target };
    await expect(resumeUpload(left, other, change)).rejects.toBeInstanceOf(TypeError);
    expect(target.uploads.size).toBe(1);
    await expect(exportUpload(left, memorySink())).rejects.toMatchObject({ code: "truncated" });
  });

  it("is exported to a sink and to a Blob, and stays", async () => {
    const left = await failAt("completeUpload", "exists");
    const sink = memorySink();
    await exportUpload(left, sink);
    expect(sameBytes(sink.bytes(), whole)).toBe(true);
    const blob = await pendingBlob(left);
    expect(sameBytes(new Uint8Array(await blob.arrayBuffer()), whole)).toBe(true);
    expect(await pending()).toEqual([left]);
  });
});

it("keeps all parts until the object is stored", async () => {
  const left = await failAt("uploadPart 3");
  target.uploads.clear();
  await resumeUpload(left, target);
  expect(sameBytes(target.object, whole)).toBe(true);
});

it("is removed at the end of its scope if it is unfinished", async () => {
  {
    await using sink = spoolSink(target, options);
    await sink.write(bytes);
    expect(await pendingUploads({ directory: options.directory, active: true })).toHaveLength(1);
  }
  expect(await pendingUploads({ directory: options.directory, active: true })).toEqual([]);
});

import { expect } from "@playwright/test";
import { test } from "../browser-test.js";
import { type Digest, type Environment, expectedDigest } from "./environment.js";
import type { WriteJob } from "./page/main.js";
import type { TargetChoice } from "./page/targets.js";
import { type BrowserUnderTest, type ResultOf, skipLacking, type Tab } from "./tab.js";

const MiB = 2 ** 20;
const PART = 5 * MiB;
/** A little over two parts. */
const ROWS = 180;
const PARTS = 3;
const ROW_BYTES = 65_536;
const NOTHING = { files: {}, records: {} };

/** Tests of spools for any browser. */
export function spoolScenarios(environment: () => Environment, browser: () => BrowserUnderTest): void {
  let expected: Digest;
  let count = 0;
  test.beforeAll(async () => {
    expected = await expectedDigest(ROWS, ROW_BYTES);
  });

  /** A new spool directory and object. */
  const newCase = (): { directory: string; path: string } => {
    const name = `case-${++count}`;
    return { directory: name, path: `${environment().bucket}/${name}/archive.msglc` };
  };
  const job = (
    { directory, path }: { directory: string; path: string },
    target: Partial<TargetChoice> = {},
    more: Partial<WriteJob> = {},
  ): WriteJob => ({
    target: { path, ...target },
    rows: ROWS,
    rowBytes: ROW_BYTES,
    ...more,
    spool: { directory, partSize: PART, concurrency: 2, durable: true, ...more.spool },
  });
  const onlyPending = async (tab: Tab, directory: string): Promise<ResultOf<"pending">[number]> => {
    const pending = await tab.call("pending", directory, true);
    expect(pending.length).toBe(1);
    return pending[0]!;
  };

  for (const storage of ["opfs", "indexeddb"] as const) {
    test.describe(`a spool in ${storage}`, () => {
      const spool = { storage, removeUploaded: true };
      test.beforeEach(() => {
        if (storage === "opfs") skipLacking(browser(), "opfs");
      });

      test("is unfinished if its page ends while it writes, and can only be discarded", async () => {
        const at = newCase();
        const first = await browser().open();
        await first.call("write", "job", job(at, {}, { spool, stopAtRow: 175 }));
        await first.call("held", "job");
        await first.close();
        const second = await browser().open();
        const pending = await onlyPending(second, at.directory);
        expect(pending).toMatchObject({ state: "unfinished", active: false, storage, size: undefined });
        // Almost 11 MiB are written: two parts are sealed.
        expect(pending).toMatchObject({ bytesSealed: 2 * PART - 50, bytesUploaded: 0 });
        await second.call("resume", "job", pending, { path: at.path });
        await expect(second.call("end", "job")).rejects.toMatchObject({ code: "unfinished" });
        await second.call("discard", pending, { path: at.path });
        expect(await second.call("pending", at.directory)).toEqual([]);
        expect(await second.call("storedData", at.directory)).toEqual(NOTHING);
        expect(await environment().stored(at.path)).toBeUndefined();
        await second.close();
      });

      test("is unfinished if its page ends while it seals the spool", async () => {
        const at = newCase();
        const first = await browser().open();
        await first.call("stopAtCommitOf", "sealed");
        await first.call("write", "job", job(at, {}, { spool }));
        await first.call("held", "job");
        await first.close();
        const second = await browser().open();
        const pending = await onlyPending(second, at.directory);
        expect(pending).toMatchObject({ state: "unfinished", active: false });
        await second.call("discard", pending, { path: at.path });
        expect(await second.call("storedData", at.directory)).toEqual(NOTHING);
        await second.close();
      });

      const partsLeft = async (tab: Tab, directory: string): Promise<number> => {
        const { files, records } = await tab.call("storedData", directory);
        return storage === "opfs" ? Object.keys(files).length : (records.parts ?? 0);
      };

      for (const [state, request, when, confirmed] of [
        ["sealed", "CreateMultipartUpload", "before", 0],
        ["uploading", "UploadPart 2", "before", 2],
        ["uploading", "UploadPart 3", "after", 2],
        ["committing", "CompleteMultipartUpload", "before", 3],
        ["committing", "CompleteMultipartUpload", "after", 3],
      ] as const) {
        test(`is resumed in a new page after one that ended ${when} the response to ${request}`, async () => {
          const at = newCase();
          const first = await browser().open();
          const put = "create";
          await first.call("write", "job", job(at, { put, hold: { request, when } }, { spool }));
          await first.call("held", "job");
          // Other parts are confirmed and removed meanwhile.
          await expect.poll(() => partsLeft(first, at.directory)).toBe(PARTS - confirmed);
          await first.close();

          const second = await browser().open();
          const pending = await onlyPending(second, at.directory);
          expect(pending).toMatchObject({ state, active: false, put, size: expected.size });
          expect(Math.ceil(pending.bytesUploaded / PART)).toBe(confirmed);
          await second.call("resume", "job", pending, { path: at.path, put });
          const { sent, size, phases } = await second.call("end", "job");
          expect(size).toBe(expected.size);
          expect(sent.filter((name) => name.startsWith("UploadPart")).length).toBe(PARTS - confirmed);
          expect(phases.at(-1)).toBe("done");
          expect(await environment().stored(at.path)).toEqual(expected);
          expect(await environment().openUploads(at.path)).toBe(0);
          expect(await second.call("pending", at.directory)).toEqual([]);
          expect(await second.call("storedData", at.directory)).toEqual(NOTHING);
          await second.close();
        });
      }

      test("of one part is resumed if the response to its PUT was lost", async () => {
        for (const when of ["before", "after"] as const) {
          const at = newCase();
          const first = await browser().open();
          const hold = { request: "PutObject", when };
          await first.call("write", "job", job(at, { put: "create", hold }, { spool, rows: 10 }));
          await first.call("held", "job");
          await first.close();
          const second = await browser().open();
          const pending = await onlyPending(second, at.directory);
          expect(pending).toMatchObject({ state: "committing", active: false });
          await second.call("resume", "job", pending, { path: at.path, put: "create" });
          await second.call("end", "job");
          expect(await environment().stored(at.path)).toEqual(await expectedDigest(10, ROW_BYTES));
          expect(await second.call("storedData", at.directory)).toEqual(NOTHING);
          await second.close();
        }
      });

      test("is discarded here and on the server", async () => {
        const at = newCase();
        const first = await browser().open();
        const hold = { request: "UploadPart 2", when: "before" } as const;
        await first.call("write", "job", job(at, { hold }, { spool }));
        await first.call("held", "job");
        await first.close();
        expect(await environment().openUploads(at.path)).toBe(1);
        const second = await browser().open();
        await second.call("discard", await onlyPending(second, at.directory), { path: at.path });
        expect(await environment().openUploads(at.path)).toBe(0);
        expect(await second.call("storedData", at.directory)).toEqual(NOTHING);
        expect(await environment().stored(at.path)).toBeUndefined();
        await second.close();
      });

      test("stays if its upload is aborted, and is resumed in the same page", async () => {
        const at = newCase();
        const tab = await browser().open();
        const hold = { request: "UploadPart 2", when: "before" } as const;
        await tab.call("write", "job", job(at, { hold }, { spool }));
        await tab.call("held", "job");
        await tab.call("abort", "job");
        await expect(tab.call("end", "job")).rejects.toMatchObject({ name: "AbortError" });
        const pending = await onlyPending(tab, at.directory);
        expect(pending).toMatchObject({ state: "uploading", active: false });
        await tab.call("resume", "again", pending, { path: at.path });
        await tab.call("end", "again");
        expect(await environment().stored(at.path)).toEqual(expected);
        await tab.close();
      });

      test("leaves nothing if its write is aborted", async () => {
        const at = newCase();
        const tab = await browser().open();
        await tab.call("write", "job", job(at, {}, { spool, stopAtRow: 175 }));
        await tab.call("held", "job");
        await tab.call("abort", "job");
        await expect(tab.call("end", "job")).rejects.toMatchObject({ name: "AbortError" });
        expect(await tab.call("storedData", at.directory)).toEqual(NOTHING);
        await tab.close();
      });

      test("holds the table of contents while it is written, and nothing of it afterwards", async () => {
        // Most of the table is spilled, in pieces of 1 MiB.
        const [rows, rowBytes] = [90_000, 17];
        const encode = { smallObjectThreshold: 8, trivialSize: 4, pageIndex: false };
        const more = { rows, rowBytes, encode, spool };
        const at = newCase();
        const first = await browser().open();
        await first.call("write", "job", job(at, {}, { ...more, stopAtRow: rows - 1 }));
        await first.call("held", "job");
        const { files, records } = await first.call("storedData", at.directory);
        if (storage === "opfs") {
          const table = Object.entries(files).filter(([name]) => !name.endsWith("/part-1"));
          expect(table.length).toBeGreaterThan(1);
          for (const [, size] of table) expect(size).toBeGreaterThanOrEqual(MiB);
        } else {
          // The first part of the archive is not sealed yet.
          expect(records.parts).toBeGreaterThan(1);
        }
        await first.close();
        const second = await browser().open();
        await second.call("discard", await onlyPending(second, at.directory), { path: at.path });
        expect(await second.call("storedData", at.directory)).toEqual(NOTHING);

        const hold = { request: "CreateMultipartUpload", when: "before" } as const;
        await second.call("write", "job", job(at, { hold }, more));
        await second.call("held", "job");
        const { size } = await onlyPending(second, at.directory);
        expect(await partsLeft(second, at.directory)).toBe(Math.ceil(size! / PART));
        await second.call("abort", "job");
        await second.call("end", "job").catch(() => {});
        await second.call("resume", "again", await onlyPending(second, at.directory), { path: at.path });
        await second.call("end", "again");
        expect(await environment().stored(at.path)).toEqual(await expectedDigest(rows, rowBytes, encode));
        expect(await second.call("storedData", at.directory)).toEqual(NOTHING);
        await second.close();
      });

      test("stays within maxBytes", async () => {
        const at = newCase();
        const tab = await browser().open();
        await tab.call("write", "job", job(at, {}, { spool: { ...spool, maxBytes: 8 * MiB } }));
        await expect(tab.call("end", "job")).rejects.toMatchObject({ code: "quota" });
        expect(await tab.call("storedData", at.directory)).toEqual(NOTHING);
        await tab.close();
      });
    });
  }

  test("parts without a journal are removed, but not files of another version", async () => {
    skipLacking(browser(), "opfs");
    const { directory } = newCase();
    const tab = await browser().open();
    await tab.call("addFile", directory, "ended", "part-1");
    await tab.call("addFile", directory, "other", "journal.v9");
    expect(await tab.call("pending", directory)).toMatchObject([{ id: "other", state: "unsupported" }]);
    expect(await tab.call("storedData", directory)).toEqual({
      files: { "other/journal.v9": 0 },
      records: {},
    });
    const [pending] = await tab.call("pending", directory);
    await expect(tab.call("discard", pending!, { path: "bucket/key" })).rejects.toMatchObject({
      code: "denied",
    });
    await tab.close();
  });

  test("two tabs never use one spool", async () => {
    const at = newCase();
    const [first, second] = [await browser().open(), await browser().open()];
    const hold = { request: "UploadPart 2", when: "before" } as const;
    await first.call("write", "job", job(at, { hold }));
    await first.call("held", "job");
    expect(await second.call("pending", at.directory)).toEqual([]);
    const used = await onlyPending(second, at.directory);
    expect(used.active).toBe(true);
    await second.call("resume", "job", used, { path: at.path });
    await expect(second.call("end", "job")).rejects.toMatchObject({ code: "conflict" });
    await expect(second.call("discard", used, { path: at.path })).rejects.toMatchObject({
      code: "conflict",
    });
    expect((await onlyPending(second, at.directory)).active).toBe(true);
    await first.close();

    const third = await browser().open();
    const free = await onlyPending(second, at.directory);
    expect(free.active).toBe(false);
    await Promise.all([second, third].map((tab) => tab.call("resume", "race", free, { path: at.path })));
    const ends = await Promise.allSettled([second, third].map((tab) => tab.call("end", "race")));
    expect(ends.filter(({ status }) => status === "fulfilled").length).toBe(1);
    const [lost] = ends.filter((end) => end.status === "rejected");
    expect(["conflict", "not-found"]).toContain((lost!.reason as { code?: string }).code);
    expect(await environment().stored(at.path)).toEqual(expected);
    await second.close();
    await third.close();
  });

  test("a spool is not listed in another directory", async () => {
    const [one, other] = [newCase(), newCase()];
    const tab = await browser().open();
    await tab.call("write", "job", job(one, {}, { stopAtRow: 100 }));
    await tab.call("held", "job");
    expect(await tab.call("pending", other.directory)).toEqual([]);
    expect((await tab.call("pending", one.directory, true)).length).toBe(1);
    await tab.close();
  });

  test("resuming to another object rejects with TypeError", async () => {
    const at = newCase();
    const first = await browser().open();
    const hold = { request: "UploadPart 2", when: "before" } as const;
    await first.call("write", "job", job(at, { hold }));
    await first.call("held", "job");
    await first.close();
    const second = await browser().open();
    const pending = await onlyPending(second, at.directory);
    await second.call("resume", "job", pending, { path: `${at.path}.other` });
    await expect(second.call("end", "job")).rejects.toMatchObject({ name: "TypeError" });
    await second.call("discard", pending, { path: at.path });
    await second.close();
  });

  test("an existing object is not overwritten by create, and the spool stays", async () => {
    const at = newCase();
    const tab = await browser().open();
    await tab.call("write", "small", job(at, {}, { rows: 3 }));
    await tab.call("end", "small");
    await tab.call("write", "job", job(at, { put: "create" }));
    await expect(tab.call("end", "job")).rejects.toMatchObject({ code: "exists" });
    expect(await environment().stored(at.path)).toEqual(await expectedDigest(3, ROW_BYTES));
    const pending = await onlyPending(tab, at.directory);
    expect(pending).toMatchObject({ state: "committing", failure: "exists" });
    await tab.call("discard", pending, { path: at.path, put: "create" });
    expect(await environment().openUploads(at.path)).toBe(0);
    await tab.close();
  });

  test("a spool that is not durable leaves nothing if its upload fails", async () => {
    const at = newCase();
    const tab = await browser().open();
    await tab.call("write", "small", job(at, {}, { rows: 3 }));
    await tab.call("end", "small");
    await tab.call("write", "job", job(at, { put: "create" }, { spool: { durable: false } }));
    await expect(tab.call("end", "job")).rejects.toMatchObject({ code: "exists" });
    expect(await tab.call("storedData", at.directory)).toEqual(NOTHING);
    expect(await environment().openUploads(at.path)).toBe(0);
    await tab.close();
  });

  test("without workers, files are written by streams; without OPFS, parts are in IndexedDB", async () => {
    skipLacking(browser(), "opfs");
    const tab = await browser().open();
    const streams = newCase();
    await tab.call("refuseWorkers");
    await tab.call("write", "streams", job(streams));
    expect((await tab.call("end", "streams")).storage).toBe("opfs");
    const refused = newCase();
    await tab.call("refuseOpfs");
    await tab.call("write", "refused", job(refused));
    expect((await tab.call("end", "refused")).storage).toBe("indexeddb");
    await tab.call("write", "forced", job(newCase(), {}, { spool: { storage: "opfs" } }));
    await expect(tab.call("end", "forced")).rejects.toMatchObject({ code: "denied" });
    expect(await environment().stored(streams.path)).toEqual(expected);
    expect(await environment().stored(refused.path)).toEqual(expected);
    await tab.close();
  });

  test("the page signs its own requests", async () => {
    const at = newCase();
    const tab = await browser().open();
    const { endpoint, region, credentials } = environment().server;
    await tab.call("write", "job", job(at, { signed: { endpoint, region, credentials } }));
    await tab.call("end", "job");
    expect(await environment().stored(at.path)).toEqual(expected);
    await tab.close();
  });
}

import { expect } from "@playwright/test";
import { test } from "../browser-test.js";
import type { WriteJob } from "./page/main.js";
import type { TargetChoice } from "./page/targets.js";
import { type BrowserUnderTest, type Given, skipLacking, type Tab } from "./tab.js";
import { type Digest, expectedDigest, type World } from "./world.js";

const MiB = 2 ** 20;
const PART = 5 * MiB;
/** A little over two parts. */
const ROWS = 180;
const PARTS = 3;
const ROW_BYTES = 65_536;
const NOTHING = { files: {}, records: {} };

/** What happens to spools, in whatever browser. Nothing here needs a browser's own protocol. */
export function spoolScenarios(world: () => World, browser: () => BrowserUnderTest): void {
  let expected: Digest;
  let count = 0;
  test.beforeAll(async () => {
    expected = await expectedDigest(ROWS, ROW_BYTES);
  });

  /** A spool directory and an object of the test's own. */
  const place = (): { directory: string; path: string } => {
    const name = `case-${++count}`;
    return { directory: name, path: `${world().bucket}/${name}/archive.msgl` };
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
    spool: { directory, partSize: PART, concurrency: 2, ...more.spool },
  });
  const the = async (tab: Tab, directory: string): Promise<Given<"pending">[number]> => {
    const pending = await tab.call("pending", directory, true);
    expect(pending.length).toBe(1);
    return pending[0]!;
  };

  for (const storage of ["opfs", "indexeddb"] as const) {
    test.describe(`a spool in ${storage}`, () => {
      const spool = { storage };
      test.beforeEach(() => {
        if (storage === "opfs") skipLacking(browser(), "opfs");
      });

      test("is left unfinished by a page that dies while it writes, and can only be discarded", async () => {
        const at = place();
        const first = await browser().open();
        await first.call("write", "job", job(at, {}, { spool, stopAtRow: 175 }));
        await first.call("held", "job");
        await first.close();
        const second = await browser().open();
        const pending = await the(second, at.directory);
        expect(pending).toMatchObject({ state: "unfinished", active: false, storage, size: undefined });
        // Nearly eleven MiB were written, and two parts are whole.
        expect(pending).toMatchObject({ bytesSealed: 2 * PART - 50, bytesUploaded: 0 });
        await second.call("resume", "job", pending, { path: at.path });
        await expect(second.call("end", "job")).rejects.toMatchObject({ code: "unfinished" });
        await second.call("discard", pending, { path: at.path });
        expect(await second.call("pending", at.directory)).toEqual([]);
        expect(await second.call("kept", at.directory)).toEqual(NOTHING);
        expect(await world().stored(at.path)).toBeUndefined();
        await second.close();
      });

      test("is left unfinished by a page that dies in the moment of sealing", async () => {
        const at = place();
        const first = await browser().open();
        await first.call("stopAtCommitOf", "sealed");
        await first.call("write", "job", job(at, {}, { spool }));
        await first.call("held", "job");
        await first.close();
        const second = await browser().open();
        const pending = await the(second, at.directory);
        expect(pending).toMatchObject({ state: "unfinished", active: false });
        await second.call("discard", pending, { path: at.path });
        expect(await second.call("kept", at.directory)).toEqual(NOTHING);
        await second.close();
      });

      const partsLeft = async (tab: Tab, directory: string): Promise<number> => {
        const { files, records } = await tab.call("kept", directory);
        return storage === "opfs" ? Object.keys(files).length : (records.parts ?? 0);
      };

      for (const [state, request, when, confirmed] of [
        ["sealed", "CreateMultipartUpload", "before", 0],
        ["uploading", "UploadPart 2", "before", 2],
        ["uploading", "UploadPart 3", "after", 2],
        ["committing", "CompleteMultipartUpload", "before", 3],
        ["committing", "CompleteMultipartUpload", "after", 3],
      ] as const) {
        test(`goes up in a new page after one that died ${when} ${request} was answered`, async () => {
          const at = place();
          const first = await browser().open();
          const put = "create";
          await first.call("write", "job", job(at, { put, hold: { request, when } }, { spool }));
          await first.call("held", "job");
          // The other parts go on, and are removed as they are confirmed.
          await expect.poll(() => partsLeft(first, at.directory)).toBe(PARTS - confirmed);
          await first.close();

          const second = await browser().open();
          const pending = await the(second, at.directory);
          expect(pending).toMatchObject({ state, active: false, put, size: expected.size });
          expect(Math.ceil(pending.bytesUploaded / PART)).toBe(confirmed);
          await second.call("resume", "job", pending, { path: at.path, put });
          const { sent, size, phases } = await second.call("end", "job");
          expect(size).toBe(expected.size);
          expect(sent.filter((name) => name.startsWith("UploadPart")).length).toBe(PARTS - confirmed);
          expect(phases.at(-1)).toBe("done");
          expect(await world().stored(at.path)).toEqual(expected);
          expect(await world().openUploads(at.path)).toBe(0);
          expect(await second.call("pending", at.directory)).toEqual([]);
          expect(await second.call("kept", at.directory)).toEqual(NOTHING);
          await second.close();
        });
      }

      test("of one part is found to be there when the answer to its PUT was lost", async () => {
        for (const when of ["before", "after"] as const) {
          const at = place();
          const first = await browser().open();
          const hold = { request: "PutObject", when };
          await first.call("write", "job", job(at, { put: "create", hold }, { spool, rows: 10 }));
          await first.call("held", "job");
          await first.close();
          const second = await browser().open();
          const pending = await the(second, at.directory);
          expect(pending).toMatchObject({ state: "committing", active: false });
          await second.call("resume", "job", pending, { path: at.path, put: "create" });
          await second.call("end", "job");
          expect(await world().stored(at.path)).toEqual(await expectedDigest(10, ROW_BYTES));
          expect(await second.call("kept", at.directory)).toEqual(NOTHING);
          await second.close();
        }
      });

      test("is discarded on both sides", async () => {
        const at = place();
        const first = await browser().open();
        const hold = { request: "UploadPart 2", when: "before" } as const;
        await first.call("write", "job", job(at, { hold }, { spool }));
        await first.call("held", "job");
        await first.close();
        expect(await world().openUploads(at.path)).toBe(1);
        const second = await browser().open();
        await second.call("discard", await the(second, at.directory), { path: at.path });
        expect(await world().openUploads(at.path)).toBe(0);
        expect(await second.call("kept", at.directory)).toEqual(NOTHING);
        expect(await world().stored(at.path)).toBeUndefined();
        await second.close();
      });

      test("stays when its upload is aborted, and is resumed in the same page", async () => {
        const at = place();
        const tab = await browser().open();
        const hold = { request: "UploadPart 2", when: "before" } as const;
        await tab.call("write", "job", job(at, { hold }, { spool }));
        await tab.call("held", "job");
        await tab.call("abort", "job");
        await expect(tab.call("end", "job")).rejects.toMatchObject({ name: "AbortError" });
        const pending = await the(tab, at.directory);
        expect(pending).toMatchObject({ state: "uploading", active: false });
        await tab.call("resume", "again", pending, { path: at.path });
        await tab.call("end", "again");
        expect(await world().stored(at.path)).toEqual(expected);
        await tab.close();
      });

      test("leaves nothing when its writing is aborted", async () => {
        const at = place();
        const tab = await browser().open();
        await tab.call("write", "job", job(at, {}, { spool, stopAtRow: 175 }));
        await tab.call("held", "job");
        await tab.call("abort", "job");
        await expect(tab.call("end", "job")).rejects.toMatchObject({ name: "AbortError" });
        expect(await tab.call("kept", at.directory)).toEqual(NOTHING);
        await tab.close();
      });

      test("takes no more than it may", async () => {
        const at = place();
        const tab = await browser().open();
        await tab.call("write", "job", job(at, {}, { spool: { ...spool, maxBytes: 8 * MiB } }));
        await expect(tab.call("end", "job")).rejects.toMatchObject({ code: "quota" });
        expect(await tab.call("kept", at.directory)).toEqual(NOTHING);
        await tab.close();
      });
    });
  }

  test("two tabs never work on one spool", async () => {
    const at = place();
    const [first, second] = [await browser().open(), await browser().open()];
    const hold = { request: "UploadPart 2", when: "before" } as const;
    await first.call("write", "job", job(at, { hold }));
    await first.call("held", "job");
    expect(await second.call("pending", at.directory)).toEqual([]);
    const living = await the(second, at.directory);
    expect(living.active).toBe(true);
    await second.call("resume", "job", living, { path: at.path });
    await expect(second.call("end", "job")).rejects.toMatchObject({ code: "conflict" });
    await expect(second.call("discard", living, { path: at.path })).rejects.toMatchObject({
      code: "conflict",
    });
    expect((await the(second, at.directory)).active).toBe(true);
    await first.close();

    const third = await browser().open();
    const dead = await the(second, at.directory);
    expect(dead.active).toBe(false);
    await Promise.all([second, third].map((tab) => tab.call("resume", "race", dead, { path: at.path })));
    const ends = await Promise.allSettled([second, third].map((tab) => tab.call("end", "race")));
    expect(ends.filter(({ status }) => status === "fulfilled").length).toBe(1);
    const [lost] = ends.filter((end) => end.status === "rejected");
    expect(["conflict", "not-found"]).toContain((lost!.reason as { code?: string }).code);
    expect(await world().stored(at.path)).toEqual(expected);
    await second.close();
    await third.close();
  });

  test("a spool in one directory is nothing to another", async () => {
    const [one, other] = [place(), place()];
    const tab = await browser().open();
    await tab.call("write", "job", job(one, {}, { stopAtRow: 100 }));
    await tab.call("held", "job");
    expect(await tab.call("pending", other.directory)).toEqual([]);
    expect((await tab.call("pending", one.directory, true)).length).toBe(1);
    await tab.close();
  });

  test("an upload that goes to another object is refused", async () => {
    const at = place();
    const first = await browser().open();
    const hold = { request: "UploadPart 2", when: "before" } as const;
    await first.call("write", "job", job(at, { hold }));
    await first.call("held", "job");
    await first.close();
    const second = await browser().open();
    const pending = await the(second, at.directory);
    await second.call("resume", "job", pending, { path: `${at.path}.other` });
    await expect(second.call("end", "job")).rejects.toMatchObject({ name: "TypeError" });
    await second.call("discard", pending, { path: at.path });
    await second.close();
  });

  test("an object that is there is not overwritten, and the spool stays for another", async () => {
    const at = place();
    const tab = await browser().open();
    await tab.call("write", "small", job(at, {}, { rows: 3 }));
    await tab.call("end", "small");
    await tab.call("write", "job", job(at, { put: "create" }));
    await expect(tab.call("end", "job")).rejects.toMatchObject({ code: "exists" });
    expect(await world().stored(at.path)).toEqual(await expectedDigest(3, ROW_BYTES));
    const pending = await the(tab, at.directory);
    expect(pending).toMatchObject({ state: "committing", failure: "exists" });
    await tab.call("discard", pending, { path: at.path, put: "create" });
    expect(await world().openUploads(at.path)).toBe(0);
    await tab.close();
  });

  test("a spool that need not last leaves nothing when its upload fails", async () => {
    const at = place();
    const tab = await browser().open();
    await tab.call("write", "small", job(at, {}, { rows: 3 }));
    await tab.call("end", "small");
    await tab.call("write", "job", job(at, { put: "create" }, { spool: { durable: false } }));
    await expect(tab.call("end", "job")).rejects.toMatchObject({ code: "exists" });
    expect(await tab.call("kept", at.directory)).toEqual(NOTHING);
    expect(await world().openUploads(at.path)).toBe(0);
    await tab.close();
  });

  test("where OPFS is refused, parts go into IndexedDB; where workers are, files are written by streams", async () => {
    skipLacking(browser(), "opfs");
    const tab = await browser().open();
    const streams = place();
    await tab.call("refuseWorkers");
    await tab.call("write", "streams", job(streams));
    expect((await tab.call("end", "streams")).storage).toBe("opfs");
    const refused = place();
    await tab.call("refuseOpfs");
    await tab.call("write", "refused", job(refused));
    expect((await tab.call("end", "refused")).storage).toBe("indexeddb");
    await tab.call("write", "forced", job(place(), {}, { spool: { storage: "opfs" } }));
    await expect(tab.call("end", "forced")).rejects.toMatchObject({ code: "denied" });
    expect(await world().stored(streams.path)).toEqual(expected);
    expect(await world().stored(refused.path)).toEqual(expected);
    await tab.close();
  });

  test("requests that the page signs itself go up as well", async () => {
    const at = place();
    const tab = await browser().open();
    const { endpoint, region, credentials } = world().server;
    await tab.call("write", "job", job(at, { signed: { endpoint, region, credentials } }));
    await tab.call("end", "job");
    expect(await world().stored(at.path)).toEqual(expected);
    await tab.close();
  });
}

import { openArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { setCors } from "@peekpack/testing";
import { expect } from "@playwright/test";
import { accessibilityViolations } from "../accessibility.js";
import { forAllTests, onEachServer, test } from "../browser-test.js";
import { contrast } from "../contrast.js";
import { serveWriter } from "./served-writer.js";
import { WriterPage } from "./writer-page.js";

/** A step of the slider: the job takes long enough for the test. */
const A_GIGABYTE = 6;

const served = forAllTests(serveWriter);
const origin = (): string => served().origin;

onEachServer((place, kind) => {
  // These tests are about the page. The stand-in is the server that every machine has.
  if (kind !== "stand-in") return;

  test.beforeAll(async () => {
    const { server, bucket } = place();
    await setCors(server, bucket, [origin()]);
    served().signing = { access: server, bucket, server: server.how };
  });

  test("lists an unfinished spool after the page was closed while writing, and discards it", async ({
    page,
    context,
  }, info) => {
    for (const storage of ["opfs", "indexeddb"] as const) {
      const first = new WriterPage(storage === "opfs" ? page : await context.newPage());
      await first.page.goto(origin());
      await first.write({ size: A_GIGABYTE, storage });
      await expect(first.title).toHaveText(/^Writing /);
      await expect(first.page.getByRole("progressbar", { name: "Written" })).toHaveAttribute(
        "aria-valuenow",
        /[1-9]/,
      );
      await first.page.keyboard.press("p");
      await expect(first.title).toHaveText(/is paused$/);
      const name = storage === "opfs" ? "OPFS" : "IndexedDB";
      await expect(first.fact("Spool")).toHaveText(name);
      await first.page.close();

      const second = new WriterPage(await context.newPage());
      await second.page.goto(origin());
      await expect(second.pending).toHaveCount(1);
      await expect(second.pending).toContainText("unfinished");
      await expect(second.pending).toContainText(name);
      await expect(second.pending.getByRole("button")).toHaveCount(1);
      await second.picture(info, `unfinished-${storage}`);
      await second.pending.getByRole("button", { name: /^Discard/ }).click();
      await second.page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
      await expect(second.pending).toHaveCount(0);
      expect(await second.stored()).toMatchObject({ files: [], records: 0 });
      await second.page.close();
      expect([...first.trouble, ...second.trouble]).toEqual([]);
    }
  });

  test("discards an archive that is being written, after asking", async ({ page }) => {
    const writer = new WriterPage(page);
    await page.goto(origin());
    await writer.write({ size: A_GIGABYTE });
    await expect(writer.fact("Spool")).toHaveText("OPFS");
    await writer.button("Discard").click();
    await page.getByRole("dialog").getByRole("button", { name: "Keep it" }).click();
    await expect(writer.title).toHaveText(/^Writing/);
    await writer.button("Discard").click();
    await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
    await expect(writer.button("Write")).toBeVisible();
    await expect(page.getByText("Discarded")).toBeVisible();
    expect(await writer.stored()).toMatchObject({ files: [], records: 0 });
    expect(writer.trouble).toEqual([]);
  });

  test("pauses, continues, keeps the spool for later, and discards it here and on the server", async ({
    page,
    context,
  }, info) => {
    const { bucket, server } = place();
    const path = `${bucket}/kept/sky.msglc`;
    const writer = new WriterPage(page);
    await page.goto(origin());
    // Slow enough to act during the upload.
    await writer.uploadAt(4 * 2 ** 20);
    await writer.write({ size: 0, path });
    await expect(writer.fact("Parts")).toHaveText("1 of 4", { timeout: 15_000 });

    await writer.picture(info, "uploading");
    // Another tab shows that it is active, and offers no action.
    const other = new WriterPage(await context.newPage());
    await other.page.goto(origin());
    await expect(other.pending).toContainText("in another tab");
    await expect(other.pending.getByRole("button")).toHaveCount(0);
    await other.page.close();

    await writer.button("Pause").click();
    await expect(writer.title).toHaveText(/is paused$/);
    await writer.picture(info, "paused");
    await writer.button("Continue").click();
    await expect(writer.title).toHaveText(/^Uploading/);
    await writer.button("Keep for later").click();
    await expect(writer.pending).toContainText("interrupted");
    const sweep = (): Promise<unknown[]> =>
      s3Store(server).sweep(path, { olderThan: new Date(Date.now() + 60_000), dryRun: true });
    expect(await sweep()).toHaveLength(1);
    expect((await writer.stored()).files.length).toBeGreaterThan(0);

    await writer.button("Discard sky.msglc").click();
    await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
    await expect(writer.pending).toHaveCount(0);
    expect(await sweep()).toHaveLength(0);
    expect(await writer.stored()).toMatchObject({ files: [], records: 0 });
    expect(writer.trouble).toEqual([]);
  });

  test("does not replace an object that appears while it writes, unless told to, and discards the spool of a missing bucket", async ({
    page,
  }, info) => {
    const path = `${place().bucket}/there.msglc`;
    const put = (): Promise<unknown> =>
      s3Store(place().server)
        .target(path)
        .putObject(Uint8Array.of(1, 2, 3));
    const writer = new WriterPage(page);
    await page.goto(origin());
    await writer.uploadAt(8 * 2 ** 20);
    await writer.write({ size: 0, path, concurrency: "4" });
    await expect(writer.title).toHaveText(/^Uploading/);
    await put();
    await writer.uploadAt(undefined);
    await expect(page.getByRole("alert")).toContainText("The object exists", { timeout: 15_000 });
    await writer.picture(info, "refused");
    expect(await accessibilityViolations(page)).toEqual([]);
    await writer.button("Write to another key").click();
    await writer.done();
    await expect(page.getByText(`${place().bucket}/there-2.msglc`)).toBeVisible();
    expect((await s3Store(place().server).source(path).probe({ head: 3, tail: 0 })).size).toBe(3);

    await writer.button("Write another").click();
    await writer.uploadAt(4 * 2 ** 20);
    await page.getByLabel("Bucket and key").fill(path);
    await writer.button("Write").click();
    await writer.button("Replace it").click();
    await expect(writer.fact("Parts")).toHaveText("1 of 4", { timeout: 15_000 });
    await writer.button("Keep for later").click();
    await writer.uploadAt(undefined);
    const { signing } = served();
    served().signing = { ...signing!, bucket: "another" };
    await writer.button("Discard there.msglc").click();
    await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
    await expect(writer.pending).toContainText("status 403");
    await writer.button("Remove here only there.msglc").click();
    await expect(writer.pending).toHaveCount(0);
    served().signing = signing;
    expect(await writer.stored()).toMatchObject({ files: [], records: 0 });
    expect(writer.trouble).toEqual([]);
  });

  test("writes a file row by row, and reports a wrong row", async ({ page }) => {
    const path = `${place().bucket}/stars.msglc`;
    const writer = new WriterPage(page);
    await page.goto(origin());
    await writer.ready();
    const choose = async (name: string, text: string): Promise<void> => {
      await page.getByRole("tab", { name: "File" }).click();
      const file = { name, mimeType: "text/plain", buffer: Buffer.from(text) };
      await page.getByLabel("File to write").setInputFiles(file);
    };
    await choose("stars.csv", "star,magnitude\nVega,0.03\nAltair,0.76,1\n");
    await expect(page.getByLabel("Bucket and key")).toHaveValue(/\/stars-\d{8}-\d{6}\.msglc$/);
    await writer.write({ path });
    await expect(page.getByRole("alert")).toContainText("Row 3 has 3 fields");
    await writer.button("Write another").click();
    const rows = Array.from({ length: 5000 }, (_, i) => `star ${i},${i / 8}`);
    await choose("stars.csv", `star,magnitude\n${rows.join("\n")}\n`);
    await expect(page.getByLabel("Bucket and key")).toHaveValue(path);
    await writer.button("Write").click();
    await writer.done();
    const archive = await openArchive(s3Store(place().server).source(path));
    expect(await archive.size("rows")).toBe(5000);
    expect(await archive.read("rows/4711")).toEqual({ star: "star 4711", magnitude: 4711 / 8 });
    await archive.close();
    expect(writer.trouble).toEqual([]);
  });

  test("fits a light and a dark theme, and a small screen", async ({ page }, info) => {
    const writer = new WriterPage(page);
    for (const scheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await page.goto(origin());
      await writer.ready();
      await writer.picture(info, scheme);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    await writer.picture(info, "small");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await writer.write({ size: 0, path: `${place().bucket}/small.msglc`, concurrency: "4" });
    await writer.done();
    await expect(page.getByRole("img", { name: /Line of/ })).toBeVisible();
    await writer.picture(info, "small-done");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    expect(writer.trouble).toEqual([]);
  });

  test("with colors that the system forces, choices, focus, progress and states stay visible", async ({
    page,
  }, info) => {
    const writer = new WriterPage(page);
    const focused = page.locator(":focus");
    for (const colorScheme of ["dark", "light"] as const) {
      await page.emulateMedia({ forcedColors: "active", colorScheme });
      await page.goto(origin());
      await writer.ready();
      await expect(page.getByRole("button", { name: /^Colors/ })).toBeHidden();
      // Each control that the keyboard reaches shows it.
      const names: string[] = [];
      await page.getByRole("tab", { selected: true }).first().focus();
      for (let i = 0; i < 8; i++) {
        const name = await focused.evaluate((element) => element.outerHTML.slice(0, 120));
        names.push(name);
        expect(await contrast(focused, "outline"), name).toBeGreaterThan(3);
        await page.keyboard.press("Tab");
      }
      expect(new Set(names).size).toBe(8);
      for (const tab of await page.getByRole("tab").all()) {
        const isSelected = (await tab.getAttribute("aria-selected")) === "true";
        expect((await contrast(tab, "underline")) > 3).toBe(isSelected);
      }
      await writer.picture(info, `home-${colorScheme}`);
    }
    expect(await accessibilityViolations(page)).toEqual([]);

    await writer.uploadAt(4 * 2 ** 20);
    await writer.write({ size: 0, path: `${place().bucket}/forced.msglc` });
    await expect(writer.fact("Parts")).toHaveText(/^[12] of 4/, { timeout: 15_000 });
    await writer.button("Pause").click();
    await expect(writer.title).toHaveText(/is paused$/);
    for (const bar of await page.locator(".progress-fill").all()) {
      expect(await contrast(bar, "background")).toBeGreaterThan(1.5);
    }
    await writer.picture(info, "paused");
    expect(await accessibilityViolations(page)).toEqual([]);
    await writer.button("Keep for later").click();
    await expect(writer.pending).toContainText("interrupted");
    expect(await contrast(page.locator(".pending-lit"), "background")).toBeGreaterThan(1.5);
    const border = await page.locator(".badge").evaluate((element) => getComputedStyle(element).borderStyle);
    expect(border).toBe("solid");
    await writer.picture(info, "interrupted");
    expect(await accessibilityViolations(page)).toEqual([]);

    await writer.uploadAt(undefined);
    await writer.pending.getByRole("button", { name: /^(Continue|Resume|Upload)/ }).click();
    await writer.done();
    await writer.picture(info, "done");
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(writer.trouble).toEqual([]);
  });
});

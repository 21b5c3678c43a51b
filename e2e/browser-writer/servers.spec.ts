import { openArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { setCors } from "@peekpack/testing";
import { expect } from "@playwright/test";
import { type Frame, frameAt, framesFor } from "../../examples/browser-writer/src/data/sky.js";
import { forAllTests, onEachServer, test } from "../browser-test.js";
import { serveWriter } from "./served-writer.js";
import { WriterPage } from "./writer-page.js";

const MiB = 2 ** 20;
/** Frames of the smallest generated archive. */
const FRAMES = framesFor(16 * MiB);

const served = forAllTests(serveWriter);
const origin = (): string => served().origin;

onEachServer((place) => {
  test.beforeAll(async () => {
    const { server, bucket } = place();
    await setCors(server, bucket, [origin()]);
    served().signing = { access: server, bucket, server: server.how };
  });

  /** Reads the archive without the page, and compares it. */
  const expectSky = async (path: string): Promise<void> => {
    const archive = await openArchive(s3Store(place().server).source(path));
    expect(await archive.size("frames")).toBe(FRAMES);
    for (const number of [0, FRAMES >> 1, FRAMES - 1]) {
      const { spectrum, pixels, ...frame } = (await archive.read(`frames/${number}`)) as unknown as Frame;
      const made = frameAt(number);
      expect(frame).toEqual({
        frame: number,
        taken: made.taken,
        target: made.target,
        airmass: made.airmass,
      });
      expect(Array.from(spectrum)).toEqual(Array.from(made.spectrum));
      expect(Buffer.compare(pixels, made.pixels)).toBe(0);
    }
    await archive.close();
  };

  test("writes through presigned URLs, and reads one value back by ranges", async ({ page }, info) => {
    const path = `${place().bucket}/presigned/sky.msglc`;
    const writer = new WriterPage(page);
    await page.goto(origin());
    await writer.write({ size: 0, path, concurrency: "4" });
    await writer.done();
    await expect(writer.fact("Spool")).toHaveText("OPFS, emptied");
    await expect(writer.fact("Parts")).toHaveText("4 of 4");
    await expect(page.getByRole("progressbar", { name: "Uploaded" })).toHaveAttribute("aria-valuenow", "100");

    await expect(page.getByLabel("Path of the value")).toHaveValue(`frames/${FRAMES >> 1}/spectrum`);
    await expect(page.getByRole("img", { name: /Line of 512 numbers/ })).toBeVisible();
    const cost = (await page.locator(".cost").textContent())!;
    const [, kB] = /^([\d.]+)\s(?:kB) of 1\d\.\d\sMB.* in [2-4] requests /.exec(cost) ?? [];
    expect(Number(kB), cost).toBeLessThan(160);
    await writer.button("an image").click();
    await expect(page.getByRole("img", { name: "Image of 512 by 512 pixels" })).toBeVisible();
    await page.getByLabel("Path of the value").fill("frames/3/target");
    await writer.button("Read").click();
    await expect(page.locator(".value-text")).toHaveText(`"${frameAt(3).target}"`);
    await writer.picture(info, "done");

    const link = await page.getByRole("link", { name: "The archive on S3" }).getAttribute("href");
    expect((await fetch(link!, { headers: { range: "bytes=0-9" } })).status).toBe(206);
    await expectSky(path);
    expect((await writer.stored()).files).toEqual([]);
    expect(writer.trouble).toEqual([]);
  });

  test("keeps keys in memory only, and resumes after a reload", async ({ page }, info) => {
    const { server, bucket } = place();
    const path = `${bucket}/signed/sky.msglc`;
    const { accessKeyId, secretAccessKey } = server.credentials;
    const writer = new WriterPage(page);
    await page.goto(origin());
    await writer.uploadAt(8 * MiB);
    await writer.write({ size: 0, path, keys: server });
    await expect(writer.fact("Parts")).toHaveText("1 of 4", { timeout: 15_000 });
    await page.reload();

    await expect(writer.pending).toHaveCount(1);
    const before = await writer.stored();
    expect(before.text).toContain(path);
    await expect(writer.pending).toContainText("interrupted");
    await expect(writer.pending).toContainText(/(5\.24|10\.5)\sMB of 16\.\d\sMB are on the server/);
    await writer.picture(info, "left-from-before");
    await writer.uploadAt(undefined);
    await writer.button("Resume sky.msglc").click();
    await writer.fillKeys(server);
    await writer.picture(info, "keys-again");
    await writer.pending.getByRole("button", { name: "Resume", exact: true }).click();
    await writer.done();
    for (const { text } of [before, await writer.stored()]) {
      expect(text).not.toContain(accessKeyId);
      expect(text).not.toContain(secretAccessKey);
    }
    await expectSky(path);
    expect(await writer.stored()).toMatchObject({ files: [], records: 0 });
    expect(writer.trouble).toEqual([]);
  });
});

import { readFile } from "node:fs/promises";
import { encodeArchive, NdArray, type Value } from "@peekpack/core";
import { expect, type Locator, type Page } from "@playwright/test";
import { forAllTests, test } from "../browser-test.js";
import { ExplorerPage } from "./explorer-page.js";
import { serveExplorer } from "./served-explorer.js";

const served = forAllTests(serveExplorer);

const DATA = {
  wave: Array.from({ length: 2000 }, (_, i) => 3 * Math.sin(i / 90)),
  image: new NdArray(
    Float64Array.from({ length: 60 * 90 }, (_, i) => i),
    [60, 90],
  ),
  points: Array.from({ length: 200 }, (_, i) => ({ x: Math.sin(i / 9), y: Math.cos(i / 9) })),
} satisfies Record<string, Value>;

/** A PNG beside the canvas that it was made of. */
interface Comparison {
  /** Pixels across and down. */
  readonly size: readonly [number, number];
  /** Pixels of the canvas that nothing is drawn on, and how many of them have the color of the page in the PNG. */
  readonly empty: number;
  readonly emptyAsPage: number;
  /** Pixels of the canvas that something opaque is drawn on, and how many of them have the same color in the PNG. */
  readonly drawn: number;
  readonly drawnAlike: number;
  /** Colors of the PNG. */
  readonly colors: number;
}

/** Saves the plot, and decodes the file in the page. */
async function saved(page: Page, canvas: Locator, name: string): Promise<Comparison> {
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save the plot as PNG" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe(name);
  const png = (await readFile(await file.path())).toString("base64");
  return canvas.evaluate(async (element, png) => {
    const canvas = element as HTMLCanvasElement;
    const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const copy = new OffscreenCanvas(image.width, image.height).getContext("2d")!;
    copy.drawImage(image, 0, 0);
    const { data: found } = copy.getImageData(0, 0, image.width, image.height);
    copy.fillStyle = getComputedStyle(canvas).getPropertyValue("--panel");
    copy.fillRect(0, 0, 1, 1);
    const background = copy.getImageData(0, 0, 1, 1).data;
    const { data: shown } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    const isAlike = (at: number, color: ArrayLike<number>, from: number): boolean =>
      [0, 1, 2, 3].every((part) => Math.abs(found[at + part]! - color[from + part]!) <= 1);
    const colors = new Set<number>();
    let [empty, emptyAsPage, drawn, drawnAlike] = [0, 0, 0, 0];
    for (let at = 0; at < shown.length; at += 4) {
      colors.add((found[at]! << 16) | (found[at + 1]! << 8) | found[at + 2]!);
      if (shown[at + 3] === 0) {
        empty++;
        if (isAlike(at, background, 0)) emptyAsPage++;
      } else if (shown[at + 3] === 255) {
        drawn++;
        if (isAlike(at, shown, at)) drawnAlike++;
      }
    }
    return {
      size: [image.width, image.height] as const,
      empty,
      emptyAsPage,
      drawn,
      drawnAlike,
      colors: colors.size,
    };
  }, png);
}

test.describe("on a screen with two pixels for each of CSS", () => {
  test.use({ deviceScaleFactor: 2 });

  test("the PNG of a curve, of an image and of pairs shows every pixel of the plot on the page's background", async ({
    page,
  }) => {
    const explorer = new ExplorerPage(page);
    const url = await served().put("plots.msglc", encodeArchive(DATA));
    await explorer.openUrl(served().origin, url);

    const check = async (canvas: Locator, name: string, minDrawn: number): Promise<void> => {
      const { size, empty, emptyAsPage, drawn, drawnAlike, colors } = await saved(page, canvas, name);
      const shown = await canvas.evaluate(({ clientWidth, clientHeight }) => [clientWidth, clientHeight]);
      expect(size).toEqual(shown.map((pixels) => pixels * 2));
      expect(drawn, "opaque pixels").toBeGreaterThan(minDrawn);
      expect(drawnAlike).toBe(drawn);
      expect(empty, "pixels of the background").toBeGreaterThan(1000);
      expect(emptyAsPage).toBe(empty);
      expect(colors).toBeGreaterThan(20);
    };

    await explorer.goTo("wave");
    await expect(page.locator(".line-plot canvas")).toBeVisible();
    await check(page.locator(".line-plot canvas"), "plot.png", 1000);
    await explorer.goTo("image");
    await expect(page.locator(".image-plot")).toBeVisible();
    await check(page.locator(".image-plot"), "image.png", 100_000);
    await page.emulateMedia({ colorScheme: "dark" });
    await explorer.goTo("points");
    await page.getByRole("tab", { name: "Plot" }).click();
    await page.getByLabel("Against").selectOption({ label: "x" });
    await expect(page.locator(".scatter-plot canvas")).toBeVisible();
    await check(page.locator(".scatter-plot canvas"), "plot.png", 1000);
    expect(explorer.trouble).toEqual([]);
  });
});

import { encodeArchive, NdArray, type Value } from "@peekpack/core";
import { expect, type Locator, type Page, type TestInfo } from "@playwright/test";
import { accessibilityViolations } from "../accessibility.js";
import { forAllTests, test } from "../browser-test.js";
import { contrast } from "../contrast.js";
import { ExplorerPage } from "./explorer-page.js";
import { serveExplorer } from "./served-explorer.js";

const served = forAllTests(serveExplorer);
let url: string;

const DATA = {
  records: Array.from({ length: 100 }, (_, row) => ({ name: `sample ${row}`, value: row / 7 })),
  image: new NdArray(
    Float64Array.from({ length: 60 * 90 }, (_, i) => i),
    [60, 90],
  ),
  wave: Array.from({ length: 2000 }, (_, i) => 3 * Math.sin(i / 90)),
  points: Array.from({ length: 200 }, (_, i) => ({ x: Math.sin(i / 9), y: Math.cos(i / 9) })),
} satisfies Record<string, Value>;

test.beforeAll(async () => {
  url = await served().put("small.msglc", encodeArchive(DATA));
});

test("with colors that the system forces, selection, focus, axes and curves stay visible", async ({
  page,
}, info) => {
  const explorer = new ExplorerPage(page);
  await page.emulateMedia({ forcedColors: "active" });
  await page.goto(served().origin);
  await explorer.picture(info, "home");
  await explorer.openUrl(served().origin, url);
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ forcedColors: "active", colorScheme });
    await expect(page.getByRole("button", { name: /^Colors/ })).toBeHidden();
    await explorer.goTo("wave");
    await expect.poll(() => contrast(page.locator(".line-plot canvas"), "canvas")).toBeGreaterThan(4.5);
    await explorer.tree.focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    expect(await contrast(explorer.tree, "outline")).toBeGreaterThan(3);
    expect(await contrast(page.getByRole("treeitem", { selected: true }), "outline")).toBeGreaterThan(3);
    await explorer.picture(info, `plot-${colorScheme}`);
    await explorer.goTo("image");
    await expect.poll(() => contrast(page.locator(".image-plot"), "canvas")).toBeGreaterThan(4.5);
    await explorer.picture(info, `image-${colorScheme}`);
  }
  await explorer.goTo("records");
  await page.getByRole("grid").focus();
  await page.keyboard.press("ArrowDown");
  expect(await contrast(page.getByRole("row", { selected: true }), "outline")).toBeGreaterThan(3);
  await explorer.picture(info, "table");
  await explorer.search.fill("re");
  await expect(page.getByRole("option").first()).toBeVisible();
  await page.keyboard.press("ArrowDown");
  expect(await contrast(page.getByRole("option", { selected: true }), "outline")).toBeGreaterThan(3);
  await explorer.picture(info, "options");
  await explorer.search.press("Escape");
  expect(await accessibilityViolations(page)).toEqual([]);
  expect(explorer.trouble).toEqual([]);
});

test.describe("by touch", () => {
  test.use({ hasTouch: true });

  /** Two fingers that move apart along the middle of an element. */
  async function spread(page: Page, element: Locator): Promise<void> {
    const { x, y, width, height } = (await element.boundingBox())!;
    const protocol = await page.context().newCDPSession(page);
    const fingers = (distance: number) =>
      [-1, 1].map((side, id) => ({
        x: x + width / 2 + side * distance * width,
        y: y + height / 2,
        id,
      }));
    await protocol.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: fingers(0.1) });
    for (const distance of [0.15, 0.2, 0.3]) {
      await protocol.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: fingers(distance) });
    }
    await protocol.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await protocol.detach();
  }

  async function tap(element: Locator): Promise<void> {
    const { width, height } = (await element.boundingBox())!;
    await element.tap({ position: { x: width / 2, y: height / 2 } });
  }

  test("a plot, an image and a plot of pairs are read by a tap, zoomed by two fingers, and shown whole again", async ({
    page,
  }, info: TestInfo) => {
    const explorer = new ExplorerPage(page);
    await explorer.openUrl(served().origin, url);
    const reading = page.locator(".plot-reading");
    const all = page.getByRole("button", { name: "Show all" });

    await explorer.goTo("wave");
    const wave = page.getByRole("img", { name: "2,000 numbers over their index" });
    await expect(wave.locator(".u-over")).toBeVisible();
    await tap(wave);
    await expect(reading).toHaveText(/^(9\d\d|1,0\d\d)-?\d\.\d+$/);
    await spread(page, wave.locator(".u-over"));
    await expect(page).toHaveURL(/x=\d{3}:1\d{3}/);
    await explorer.picture(info, "plot");
    await all.tap();
    await expect(page).not.toHaveURL(/x=/);

    await explorer.goTo("image");
    const image = page.getByRole("img", { name: "60 rows of 90 numbers as an image" });
    await image.tap({ position: { x: 70, y: 20 } });
    await expect(reading).toHaveText(/^row \d, column \d\d+$/);
    await spread(page, image);
    await expect(page).toHaveURL(/x=\d+:\d+&y=\d+:\d+/);
    await explorer.picture(info, "image");
    await all.tap();
    await expect(page).not.toHaveURL(/x=/);

    await explorer.goTo("points");
    await page.getByRole("tab", { name: "Plot" }).tap();
    await page.getByLabel("Against").selectOption({ label: "x" });
    const pairs = page.getByRole("img", { name: "y against x" });
    await expect(pairs.locator(".u-over")).toBeVisible();
    await spread(page, pairs.locator(".u-over"));
    await expect(page).toHaveURL(
      /against=x.*x=-0\.\d+:0\.\d+&y=-0\.\d+:0\.\d+|x=-0\.\d+:0\.\d+&y=-0\.\d+:0\.\d+.*against=x/,
    );
    await explorer.picture(info, "pairs");
    await all.tap();
    await expect(page).not.toHaveURL(/[?&]x=-/);
    const over = (await pairs.locator(".u-over").boundingBox())!;
    await pairs.locator(".u-over").tap({ position: { x: over.width - 4, y: over.height / 2 } });
    await expect(reading).toHaveText(/x 0\.9\d+/);
    expect(explorer.trouble).toEqual([]);
  });
});

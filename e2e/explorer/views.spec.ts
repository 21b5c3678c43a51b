import { encodeArchive, mapOf, memorySink, NdArray, type Value, writeArchive } from "@peekpack/core";
import { type BrowserContext, expect, type Locator, type Page } from "@playwright/test";
import { accessibilityViolations } from "../accessibility.js";
import { forAllTests, test } from "../browser-test.js";
import { ExplorerPage } from "./explorer-page.js";
import { serveExplorer } from "./served-explorer.js";

const served = forAllTests(serveExplorer);
let url: string;
const origin = (): string => served().origin;

const ROWS = 300;
const COLUMNS = 120;
const MANY = 1_000_000;
const DIGITS = 0.123_456_789_012_345;

const DATA = {
  records: Array.from({ length: ROWS }, (_, row) => ({
    name: `sample ${row}`,
    value: ((row * 77) % ROWS) + DIGITS,
    ...Object.fromEntries(Array.from({ length: COLUMNS - 2 }, (_, i) => [`column ${i}`, row * 1000 + i])),
  })),
  cube: new NdArray(
    Float64Array.from({ length: 3 * 20 * 600 }, (_, i) => Math.floor(i / 12_000) * 1000 + (i % 600)),
    [3, 20, 600],
  ),
  photo: Array.from({ length: 20 }, (_, y) => Array.from({ length: 30 }, (_, x) => [255, y * 10, x * 8])),
  gaps: Array.from({ length: 40 }, (_, i) => (i === 20 ? null : i + 0.5)),
  powers: Array.from({ length: 10 }, (_, i) => 10 ** i),
  points: Array.from({ length: 200 }, (_, i) => ({ x: Math.sin(i / 9), y: Math.cos(i / 9), size: i })),
} satisfies Record<string, Value>;

test.beforeAll(async () => {
  url = await served().put("views.msglc", encodeArchive(DATA));
});

function* manyKeys(): Generator<[string, number]> {
  for (let i = 0; i < MANY; i++) yield [`key-${String(i).padStart(7, "0")}`, i];
}

/** Opens the page at the link that another page shows. */
async function linked(context: BrowserContext, page: Page): Promise<ExplorerPage> {
  const other = new ExplorerPage(await context.newPage());
  await other.page.goto(page.url());
  return other;
}

test("a table has all columns and digits, sorts, and goes to a row by number and by keys; a link shows the same", async ({
  page,
  context,
}, info) => {
  const explorer = new ExplorerPage(page);
  await explorer.openUrl(origin(), url);
  await explorer.goTo("records");
  const grid = page.getByRole("grid");
  await expect(grid).toHaveAttribute("aria-colcount", String(COLUMNS + 1));
  await expect(grid).toHaveAttribute("aria-rowcount", String(ROWS + 1));
  const digits = page.getByRole("gridcell", { name: String(DIGITS), exact: true });
  await expect(digits).toBeVisible();
  expect(await digits.evaluate((cell) => cell.scrollWidth <= cell.clientWidth), "no digit is cut").toBe(true);
  await grid.evaluate((element) => element.scrollTo({ left: element.scrollWidth }));
  await expect(page.getByRole("columnheader", { name: `column ${COLUMNS - 3}` })).toBeInViewport();
  await grid.evaluate((element) => element.scrollTo({ left: 0 }));

  const header = page.getByRole("columnheader", { name: "value" });
  await header.getByRole("button", { name: "value", exact: true }).click();
  await expect(header).toHaveAttribute("aria-sort", "ascending");
  await header.getByRole("button", { name: "value", exact: true }).click();
  await expect(header).toHaveAttribute("aria-sort", "descending");
  const last = DATA.records.findIndex(({ value }) => value === ROWS - 1 + DIGITS);
  await expect(page.locator("#table-row-0").getByRole("rowheader")).toHaveText(String(last));
  await expect(page.getByText(`sorted by value, largest first: all ${ROWS} rows`)).toBeVisible();

  const [first, second] = await page
    .locator("#table-row-0, #table-row-1")
    .evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().top).sort((a, b) => a - b));
  expect(second! - first!).toBeCloseTo(28, 0);
  await page.getByLabel(/^Go to row/).fill("250");
  await page.getByLabel(/^Go to row/).press("Enter");
  const marked = page.getByRole("row", { selected: true });
  await expect(marked.getByRole("rowheader")).toHaveText("250");
  await expect(marked).toBeInViewport();
  await grid.focus();
  await page.keyboard.press("ArrowRight");
  const width = (): Promise<number> => header.evaluate((cell) => cell.clientWidth);
  const before = await width();
  await page.keyboard.press("Shift+ArrowRight");
  await expect.poll(width).toBeGreaterThan(before);
  await explorer.picture(info, "table");
  expect(await accessibilityViolations(page)).toEqual([]);

  const other = await linked(context, page);
  const same = other.page.getByRole("row", { selected: true });
  await expect(same.getByRole("rowheader")).toHaveText("250");
  await expect(same).toBeInViewport();
  await expect(other.page.getByRole("columnheader", { name: "value" })).toHaveAttribute(
    "aria-sort",
    "descending",
  );
  await other.page.getByRole("grid").focus();
  await other.page.keyboard.press("Enter");
  await expect(other.search).toHaveValue("records/250/value");
  expect([...explorer.trouble, ...other.trouble]).toEqual([]);
});

test("an array is an image with a slider, colors and their range, and a link shows the same", async ({
  page,
  context,
}, info) => {
  const explorer = new ExplorerPage(page);
  await explorer.openUrl(origin(), url);
  await explorer.goTo("cube");
  const image = page.getByRole("img", { name: "20 rows of 600 numbers as an image" });
  await expect(image).toBeVisible();
  await page.getByLabel("Dimension 0").fill("2");
  await expect(page.getByText("2 of 3")).toBeVisible();
  await page.locator(".plot-choice select").selectOption("magma");
  await page.getByLabel("Value of the first color").fill("2100");
  await page.getByLabel("Value of the first color").press("Enter");
  await image.focus();
  for (const key of ["ArrowDown", "ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
  await expect(page.locator(".plot-reading")).toHaveText("row 1, column 22002");
  await page.getByRole("button", { name: "Zoom in" }).click();
  await explorer.picture(info, "image");
  expect(await accessibilityViolations(page)).toEqual([]);
  for (const part of ["at=2", "colors=magma", "range=2100", "x=150:450"]) {
    await expect.poll(() => page.url()).toContain(part);
  }

  const other = await linked(context, page);
  await expect(other.page.getByLabel("Dimension 0")).toHaveValue("2");
  await expect(other.page.locator(".plot-choice select")).toHaveValue("magma");
  await expect(other.page.getByLabel("Value of the first color")).toHaveValue("2100");
  await expect(other.page).toHaveURL(page.url());

  await explorer.goTo("photo");
  await page.getByRole("tab", { name: "Image" }).click();
  const photo = page.getByRole("img", { name: "20 rows of 30 colors as an image" });
  await photo.focus();
  await page.keyboard.press("ArrowDown");
  await expect(page.locator(".plot-reading")).toHaveText("row 1, column 0255, 10, 0");
  // The image is drawn in the next frame.
  const firstCell = (): Promise<number[]> =>
    photo.evaluate((element) => {
      const canvas = element as HTMLCanvasElement;
      const [x, y] = [66 * devicePixelRatio, 10 * devicePixelRatio];
      return [...canvas.getContext("2d")!.getImageData(x, y, 1, 1).data];
    });
  await expect.poll(firstCell).toEqual([255, 0, 0, 255]);
  await explorer.picture(info, "colors");
  expect([...explorer.trouble, ...other.trouble]).toEqual([]);
});

test("a plot has a gap for null, zooms, and shows a column against another; a link shows the same", async ({
  page,
  context,
}, info) => {
  const explorer = new ExplorerPage(page);
  await explorer.openUrl(origin(), url);
  await explorer.goTo("gaps");
  const plot = page.getByRole("img", { name: "40 numbers over their index" });
  await plot.focus();
  for (let i = 0; i < 20; i++) await page.keyboard.press("ArrowRight");
  await expect(page.locator(".plot-reading")).toHaveText("20–");
  await page.keyboard.press("ArrowRight");
  await expect(page.locator(".plot-reading")).toHaveText("2121.5");
  await expect(page.locator(".plot-facts")).toContainText("Not finite, or none1");
  await page.getByRole("button", { name: "Zoom in" }).click();
  await expect(page).toHaveURL(/x=\d+:\d+/);
  await explorer.picture(info, "gap");
  const zoomed = await linked(context, page);
  await expect(zoomed.page.getByRole("img", { name: "40 numbers over their index" })).toBeVisible();
  await expect(zoomed.page).toHaveURL(page.url());
  await page.getByRole("button", { name: "Show all" }).click();
  await expect(page).not.toHaveURL(/x=\d/);
  await dragOver(page, plot.locator(".u-over"));
  await expect(page).toHaveURL(/x=\d+:\d+/);
  await plot.locator(".u-over").dblclick();
  await expect(page).not.toHaveURL(/x=\d/);

  await explorer.goTo("points");
  await page.getByRole("tab", { name: "Plot" }).click();
  await page.getByLabel("Against").selectOption({ label: "x" });
  const pairs = page.getByRole("img", { name: "y against x" });
  await dragOver(page, pairs.locator(".u-over"));
  await expect(page).toHaveURL(/x=[^&]+&y=/);
  await pairs.locator(".u-over").dblclick();
  await expect(page).not.toHaveURL(/x=\S+&y=/);
  await explorer.picture(info, "against");
  expect(await accessibilityViolations(page)).toEqual([]);
  const other = await linked(context, page);
  await expect(other.page.getByRole("img", { name: "y against x" })).toBeVisible();
  expect([...explorer.trouble, ...zoomed.trouble, ...other.trouble]).toEqual([]);
});

/** Drags from one corner of the middle of a plot to the other. */
async function dragOver(page: Page, plot: Locator): Promise<void> {
  const { x, y, width, height } = (await plot.boundingBox())!;
  await page.mouse.move(x + width / 4, y + height / 4);
  await page.mouse.down();
  await page.mouse.move(x + (width * 3) / 4, y + (height * 3) / 4, { steps: 2 });
  await page.mouse.up();
}

/** How high the curve is in the middle of a plot: 0 at the bottom, 1 at the top. Undefined if it is not drawn. */
function heightInTheMiddle(page: Page): Promise<number | undefined> {
  return page.locator(".line-plot").evaluate((plot) => {
    const canvas = plot.querySelector("canvas");
    const over = plot.querySelector(".u-over")?.getBoundingClientRect();
    if (canvas === null || over === undefined) return undefined;
    const { left, top } = canvas.getBoundingClientRect();
    const x = Math.round((over.left - left + over.width / 2) * devicePixelRatio);
    const { data } = canvas.getContext("2d")!.getImageData(x, 0, 1, canvas.height);
    for (let y = 0; y < canvas.height; y++) {
      const [red, green, blue] = data.subarray(y * 4, y * 4 + 3);
      if (Math.max(red!, green!, blue!) - Math.min(red!, green!, blue!) < 90) continue;
      return 1 - (y / devicePixelRatio - (over.top - top)) / over.height;
    }
    return undefined;
  });
}

test("the vertical axis and the colors become logarithmic; a link shows the same, and the zoom of a query", async ({
  page,
  context,
}, info) => {
  const explorer = new ExplorerPage(page);
  await explorer.openUrl(origin(), url);
  await explorer.goTo("powers");
  await expect.poll(() => heightInTheMiddle(page)).toBeLessThan(0.2);
  await page.getByLabel("Log scale").check();
  await expect.poll(() => heightInTheMiddle(page)).toBeGreaterThan(0.4);
  expect(await heightInTheMiddle(page), "powers are a straight line").toBeLessThan(0.6);
  await expect(page).toHaveURL(/log=1/);
  await explorer.picture(info, "log");
  const other = await linked(context, page);
  await expect(other.page.getByLabel("Log scale")).toBeChecked();
  await expect.poll(() => heightInTheMiddle(other.page)).toBeGreaterThan(0.4);

  await explorer.goTo("cube");
  const image = page.getByRole("img", { name: "20 rows of 600 numbers as an image" });
  await expect(page.getByLabel("Value of the first color")).toHaveValue("0");
  await page.getByLabel("Log scale").check();
  // 0 has no logarithm, and no color.
  await expect(page.getByLabel("Value of the first color")).toHaveValue("1");
  const opacity = (): Promise<number> =>
    image.evaluate((element) => {
      const [x, y] = [64.3 * devicePixelRatio, 12 * devicePixelRatio].map(Math.floor) as [number, number];
      return (element as HTMLCanvasElement).getContext("2d")!.getImageData(x, y, 1, 1).data[3]!;
    });
  await expect.poll(opacity).toBe(0);

  // A drag draws over the image. It computes none until it ends.
  await page.evaluate(() => {
    const { prototype } = OffscreenCanvasRenderingContext2D;
    const { putImageData } = prototype as unknown as { putImageData(...args: unknown[]): void };
    const counted = { images: 0 };
    Object.assign(window, { counted });
    Object.assign(prototype, {
      putImageData(...args: unknown[]) {
        counted.images++;
        putImageData.apply(this, args);
      },
    });
  });
  const images = (): Promise<number> =>
    page.evaluate(() => (window as unknown as { counted: { images: number } }).counted.images);
  const { x, y } = (await image.boundingBox())!;
  await page.mouse.move(x + 100, y + 20);
  await page.mouse.down();
  for (const by of [20, 40, 60]) {
    await page.mouse.move(x + 100 + by, y + 20 + by);
    await page.evaluate(
      () => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))),
    );
  }
  expect(await images()).toBe(0);
  await page.mouse.up();
  await expect(page).toHaveURL(/x=\d+:\d+&y=\d+:\d+/);
  expect(await images()).toBe(1);

  await explorer.goTo("points/*/x");
  await expect(page.getByText("200 matches", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Zoom in" }).click();
  await expect(page).toHaveURL(/x=50:150/);
  const query = await linked(context, page);
  await expect(query.page.getByText("200 matches", { exact: true })).toBeVisible();
  await query.page.getByRole("button", { name: "Zoom in" }).click();
  await expect(query.page).toHaveURL(/select=points.*x=75:125/);
  expect([...explorer.trouble, ...other.trouble, ...query.trouble]).toEqual([]);
});

test("a plot of half a million numbers begins with a sample, and reads what one zooms into", async ({
  page,
}, info) => {
  const numbers = Array.from({ length: MANY / 2 }, (_, i) => Math.sin(i / 3e4));
  const explorer = new ExplorerPage(page);
  await explorer.openUrl(origin(), await served().put("numbers.msglc", encodeArchive({ numbers })));
  await explorer.goTo("numbers");
  await expect(page.getByText(/A sample: [\d,]+ of 500,000 numbers were read/)).toBeVisible();
  await expect(page.getByText(/You read\s*\d+\skB of 4\.\d+\sMB/)).toBeVisible();
  await explorer.picture(info, "sample");
  expect(await accessibilityViolations(page)).toEqual([]);
  const plot = page.getByRole("img", { name: "500,000 numbers over their index" });
  // At once: a slow machine would read between two keys.
  await plot.evaluate((element) => {
    for (let i = 0; i < 8; i++) element.dispatchEvent(new KeyboardEvent("keydown", { key: "+" }));
  });
  await expect(page.getByText(/All numbers in view were read/)).toBeVisible();
  await expect(page.getByText(/You read\s*\d+\skB of/)).toBeVisible();
  await page.getByRole("button", { name: "Show all" }).click();
  await page.getByRole("button", { name: /^Read all/ }).click();
  await expect(page.getByText("All numbers were read.")).toBeVisible({ timeout: 40_000 });
  await expect(page.locator(".plot-facts")).toContainText("500,000");
  expect(explorer.trouble).toEqual([]);
});

test("texts show what hides in them, keep emoji whole, and go by screens; a deep tree scrolls sideways", async ({
  page,
}, info) => {
  const family = "👩‍👩‍👧‍👦";
  const deep = Array.from({ length: 40 }).reduce<Value>((inner, _, i) => ({ [`level ${i}`]: inner }), "end");
  const texts = {
    " blank at both ends ": 1,
    "two  blanks": 2,
    "turned \u202eback": 3,
    "no\u0007bell": 4,
    שלום: 5,
    emoji: family.repeat(400),
    long: Array.from({ length: 3000 }, (_, i) => `line ${i}`).join("\n"),
    deep,
  };
  const explorer = new ExplorerPage(page);
  await explorer.openUrl(
    origin(),
    await served().put("texts.msglc", encodeArchive(texts, { smallObjectThreshold: 1, trivialSize: 0 })),
  );
  const shown = ["␣blank at both ends␣", "two␣␣blanks", "turned \\u{202e}back", "no\\u{7}bell", "שלום"];
  for (const key of shown) await expect(page.locator(".tree bdi.key", { hasText: key })).toHaveText(key);

  await explorer.goTo("emoji");
  const text = page.getByRole("region", { name: "The value as text" });
  const lines = text.locator(".content");
  await expect(lines.nth(1)).toContainText(family);
  for (const line of await lines.allTextContents()) expect(line.replaceAll(family, "")).toMatch(/^"?$/);
  await explorer.goTo("long");
  await expect(text).toContainText("line 1");
  await text.focus();
  const top = (): Promise<number> => text.evaluate(({ scrollTop, clientHeight }) => scrollTop / clientHeight);
  await page.keyboard.press("PageDown");
  await expect.poll(top).toBeGreaterThan(0.8);
  expect(await top(), "a line stays in view").toBeLessThan(1);
  await page.keyboard.press("End");
  await expect(text).toContainText("line 2999");
  await page.keyboard.press("Home");
  await expect(text.getByText("line 0", { exact: true })).toBeInViewport();

  await explorer.goTo(["deep", ...Array.from({ length: 40 }, (_, i) => `level ${39 - i}`)].join("/"));
  await expect(page.getByRole("treeitem", { selected: true })).toHaveAttribute("aria-level", "42");
  expect(await explorer.tree.evaluate((tree) => tree.scrollWidth > tree.clientWidth)).toBe(true);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  await explorer.tree.evaluate((tree) => tree.scrollTo({ left: tree.scrollWidth }));
  await explorer.picture(info, "deep");
  expect(await accessibilityViolations(page)).toEqual([]);
  expect(explorer.trouble).toEqual([]);
});

test("an archive of a million keys opens by its page index, in a few requests, and draws only some dozen rows", async ({
  page,
}, info) => {
  const memory = memorySink();
  await writeArchive(
    memory,
    { keys: mapOf(manyKeys(), { count: MANY }) },
    { pageIndex: true, smallObjectThreshold: 1, trivialSize: 0 },
  );
  const explorer = new ExplorerPage(page);
  await explorer.openUrl(origin(), await served().put("million.msglc", memory.bytes()));
  await explorer.unfold("keys", 2);
  await expect(explorer.row("key-0000003", 3)).toBeVisible();
  expect(await explorer.requests()).toBeLessThanOrEqual(12);
  await explorer.tree.press("End");
  const last = explorer.row("key-0999999", 3);
  await expect(last).toHaveAttribute("aria-selected", "true");
  await expect(last).toContainText("999999");
  await explorer.tree.hover();
  await page.mouse.wheel(0, -280);
  await expect(last).not.toBeInViewport();
  await explorer.goTo("keys/key-0777777");
  await expect(explorer.row("key-0777777", 3)).toBeInViewport();
  await expect(explorer.row("key-0777777", 3)).toContainText("777777");
  await explorer.picture(info, "million");
  expect(await page.getByRole("treeitem").count()).toBeLessThan(80);
  await expect(page.getByText(/You read\s*[\d.]+\skB of 51\.\d\sMB/)).toBeVisible();
  expect(explorer.trouble).toEqual([]);
});

test("axe finds nothing in the forms, an error, matches and dialogs", async ({ page }) => {
  const explorer = new ExplorerPage(page);
  const check = async (state: string): Promise<void> =>
    expect(await accessibilityViolations(page), state).toEqual([]);
  await page.goto(origin());
  await check("the form for an address");
  await page.getByRole("tab", { name: "S3" }).click();
  await check("the form for S3");
  await page.getByRole("tab", { name: "URL" }).click();
  await page.getByLabel("Address").fill(`${origin()}/favicon.svg`);
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("not-an-archive");
  await check("an error");
  await explorer.openUrl(origin(), url);
  await explorer.goTo("records/*/name");
  await expect(page.getByText(`${ROWS} matches`, { exact: true })).toBeVisible();
  await check("matches");
  await page.getByRole("button", { name: "Download", exact: true }).last().click();
  await check("the dialog for downloads");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Share a link" }).click();
  await check("the dialog for links");
  expect(explorer.trouble).toEqual([]);
});

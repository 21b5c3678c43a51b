import { readFile } from "node:fs/promises";
import { encodeArchive, openArchive, type Path, pointer, type Value } from "@peekpack/core";
import { toTagged } from "@peekpack/core/tagged";
import { expect, type Page } from "@playwright/test";
import { forAllTests, test } from "../browser-test.js";
import { ExplorerPage } from "./explorer-page.js";
import { serveExplorer } from "./served-explorer.js";

const served = forAllTests(serveExplorer);
const origin = (): string => served().origin;

const RECORDS = Array.from({ length: 500 }, (_, i) => ({ id: i, gap: i / 7, note: `note ${i}` }));
const DATA = {
  odd: [new Date(0), 2n ** 60n, Uint8Array.of(0, 255), Number.NaN, "x".repeat(5000), new Map([[1, "one"]])],
  records: RECORDS,
  numbers: Array.from({ length: 20_000 }, (_, i) => i / 3),
  keys: { "a/b": { deep: { "the gap": 1, text: "y".repeat(9000) } } },
} satisfies Record<string, Value>;

/** Opens an archive in a page that cannot ask for a file, as in Firefox, and that lets the test read the clipboard. */
async function opened(page: Page, name: string, bytes: Uint8Array): Promise<ExplorerPage> {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.addInitScript(() => {
    Reflect.deleteProperty(window, "showSaveFilePicker");
  });
  const explorer = new ExplorerPage(page);
  await explorer.openUrl(origin(), await served().put(name, bytes));
  return explorer;
}

async function downloaded(page: Page, format: string): Promise<Buffer> {
  const saved = page.waitForEvent("download");
  await page.locator(`[data-format="${format}"]`).click();
  const bytes = await readFile(await (await saved).path());
  await expect(page.getByText(/is complete: /)).toBeVisible();
  await page.getByRole("button", { name: /^Dismiss/ }).click();
  return bytes;
}

test("downloads a whole archive in every format, and copies a value whole", async ({ page }, info) => {
  const archive = encodeArchive(DATA);
  const explorer = await opened(page, "data.msglc", archive);
  const expected = toTagged(await (await openArchive(archive)).read());
  const ask = async (path: string): Promise<void> => {
    await explorer.goTo(path);
    await expect(explorer.search).toHaveValue(path);
    await page.getByRole("button", { name: "Download", exact: true }).click();
  };
  await page.getByRole("button", { name: "Download", exact: true }).click();
  await explorer.picture(info, "download");
  expect(JSON.parse(String(await downloaded(page, "tagged")))).toEqual(expected);
  await page.getByRole("button", { name: "Download", exact: true }).click();
  expect(toTagged(await (await openArchive(await downloaded(page, "msglc"))).read())).toEqual(expected);
  await ask("records");
  expect(String(await downloaded(page, "csv")).split("\r\n").length).toBe(RECORDS.length + 2);
  await ask("records");
  const lines = String(await downloaded(page, "ndjson"))
    .trimEnd()
    .split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual(RECORDS);
  await ask("records");
  expect(String((await downloaded(page, "arrow")).subarray(0, 6))).toBe("ARROW1");
  await ask("numbers");
  const npy = await downloaded(page, "npy");
  expect(npy.length).toBe(128 + 8 * DATA.numbers.length);
  expect(npy.readDoubleLE(128 + 8 * 19_999)).toBe(19_999 / 3);
  await ask("odd");
  const saved = page.waitForEvent("download");
  await page.locator('[data-format="json"]').click();
  await saved;
  await expect(page.getByText("1 × instants became ISO 8601 text")).toBeVisible();
  await explorer.picture(info, "losses");

  await page.getByRole("button", { name: "Copy the value as text" }).click();
  await expect(page.getByText("in the tagged notation")).toBeVisible();
  expect(JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))).toEqual(toTagged(DATA.odd));
  expect(explorer.trouble).toEqual([]);
});

test("writes into a file that the user chooses", async ({ page }) => {
  const big = encodeArchive({ big: Array.from({ length: 400 }, (_, i) => `${i} `.repeat(20_000)) });
  const explorer = await opened(page, "big.msglc", big);
  await page.evaluate(() => {
    // A file of the origin, in place of one that a dialog of the system gives.
    Object.assign(window, {
      showSaveFilePicker: async ({ suggestedName }: { suggestedName: string }) =>
        (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true }),
    });
  });
  await explorer.goTo("big");
  await page.getByRole("button", { name: "Download", exact: true }).click();
  await page.locator('[data-format="msglc"]').click();
  await expect(page.getByText("“big.msglc” is complete")).toBeVisible();
  const bytes = await page.evaluate(async () => {
    const file = await (await navigator.storage.getDirectory()).getFileHandle("big.msglc");
    return Array.from(new Uint8Array(await (await file.getFile()).slice(0, 60).arrayBuffer()));
  });
  expect(Buffer.from(bytes.slice(20, 30)).toString()).toBe("msglc-2024");

  expect(explorer.trouble).toEqual([]);
});

test("searches all keys of the table, then values, and says what was searched", async ({ page }, info) => {
  const explorer = await opened(page, "keys.msglc", encodeArchive(DATA, { smallObjectThreshold: 64 }));
  await explorer.search.fill("the gap");
  await expect(page.getByText(/Not among the 4 keys at this level/)).toBeVisible();
  await page.getByRole("button", { name: "Search all keys for “the gap”" }).click();
  await expect(
    page.getByText(/^1 match\. Searched: [\d,]+ keys of the table of contents, not the inside of/),
  ).toBeVisible();
  await explorer.picture(info, "keys");
  await explorer.search.fill("note 499");
  await explorer.search.press("Shift+Enter");
  await expect(page.getByText(/^Nothing matches\. Searched: /)).toBeVisible();
  await page.getByRole("button", { name: "Search in values too" }).click();
  await expect(page.getByRole("button", { name: /499\/note/ })).toBeVisible();
  await expect.poll(() => page.url()).toContain("values=note%20499");
  expect(explorer.trouble).toEqual([]);
});

test("queries by JSONPath with completion, downloads the matches, and a link brings the query", async ({
  page,
  context,
}, info) => {
  const explorer = await opened(page, "query.msglc", encodeArchive(DATA));
  await explorer.search.fill("$.reco");
  await expect(page.getByRole("option")).toHaveText(/records/);
  await explorer.search.press("Tab");
  await expect(explorer.search).toHaveValue("$.records");
  await explorer.search.fill("$..reco");
  await expect(page.getByRole("option")).toHaveText(/records/);
  await explorer.search.press("Tab");
  await expect(explorer.search).toHaveValue("$..records");
  await explorer.goTo("records/7");
  await expect(page.getByRole("navigation", { name: "Path" })).toContainText("7");
  await explorer.search.fill("$.records[?@.ga");
  await expect(page.getByRole("option")).toHaveText(/gap/);
  await explorer.search.press("Tab");
  await expect(explorer.search).toHaveValue("$.records[?@.gap");
  await explorer.goTo("$.records[?@.gap > 70].id");
  await expect(page.getByText("9 matches", { exact: true })).toBeVisible();
  await expect(page.getByText("JSONPath", { exact: true })).toBeVisible();
  await explorer.picture(info, "jsonpath");
  await page.getByRole("button", { name: "Download", exact: true }).last().click();
  const csv = String(await downloaded(page, "csv"));
  expect(csv.split("\r\n").slice(0, 2)).toEqual(["$path,value", "records/491/id,491"]);

  const other = new ExplorerPage(await context.newPage());
  await other.page.goto(page.url());
  await expect(other.page.getByText("9 matches", { exact: true })).toBeVisible();
  await expect(other.page.getByText("JSONPath", { exact: true }), "its own header").toBeVisible();
  await expect(other.page.getByRole("navigation", { name: "Path" })).toBeHidden();
  await explorer.goTo("$.records[");
  await expect(page.getByRole("alert")).toContainText("bad-path");
  expect([...explorer.trouble, ...other.trouble]).toEqual([]);
});

test("copies a path that core and the search field take", async ({ page }) => {
  const bytes = encodeArchive(DATA, { smallObjectThreshold: 64 });
  const explorer = await opened(page, "paths.msglc", bytes);
  const archive = await openArchive(bytes);
  for (const [path, read] of [
    ["records/7/note", (text: string): Path => text],
    ["/keys/a~1b/deep/the gap", pointer],
  ] as const) {
    await explorer.goTo(path);
    await expect(page.getByRole("navigation", { name: "Path" })).toContainText(path.split("/").at(-1)!);
    await page.getByRole("button", { name: "Copy the path" }).click();
    await expect(page.getByText(/The path was copied/)).toBeVisible();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toBe(path);
    await explorer.goTo("numbers");
    await explorer.goTo(copied);
    await expect(explorer.search).toHaveValue(path);
    expect(await archive.has(read(copied))).toBe(true);
  }
  expect(explorer.trouble).toEqual([]);
});

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { encodeArchive, memorySink, type Value, writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { setCors } from "@peekpack/testing";
import { zstdSink } from "@peekpack/zstd";
import { expect, type Page } from "@playwright/test";
import { simulations } from "../../examples/explorer/src/demo/simulations.js";
import { forAllTests, onEachServer, test, watchTraffic } from "../browser-test.js";
import { ExplorerPage } from "./explorer-page.js";
import { serveExplorer } from "./served-explorer.js";

const KiB = 1024;
const RUNS = 200;

const served = forAllTests(serveExplorer);
const origin = (): string => served().origin;

async function compatData(): Promise<Uint8Array> {
  const file = createRequire(import.meta.url).resolve("@mdn/browser-compat-data");
  return encodeArchive(JSON.parse(await readFile(file, "utf8")) as Value);
}

/** Whether a canvas shows a drawing in the color of the first column, and not its axes alone. */
function isPainted(page: Page, selector: string, least = 200): Promise<boolean> {
  return page.locator(selector).evaluate((element, least) => {
    const canvas = element instanceof HTMLCanvasElement ? element : element.querySelector("canvas");
    if (canvas === null || canvas.width === 0 || canvas.height === 0) return false;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    let colored = 0;
    for (let i = 0; i < data.length; i += 4) {
      const spread =
        Math.max(data[i]!, data[i + 1]!, data[i + 2]!) - Math.min(data[i]!, data[i + 1]!, data[i + 2]!);
      if (data[i + 3]! > 128 && spread > 90) colored++;
    }
    return colored > least;
  }, least);
}

onEachServer((place, kind) => {
  let path: string;
  test.beforeAll(async () => {
    const { server, bucket } = place();
    await setCors(server, bucket, [origin()]);
    path = `${bucket}/browser-compat-data.msglc`;
    await s3Store(server)
      .target(path)
      .putObject(await compatData());
  });

  test("unfolds three levels of a presigned archive with three requests", async ({ page }, info) => {
    const explorer = new ExplorerPage(page);
    const traffic = await watchTraffic(page, new URL(place().server.endpoint).origin);
    await explorer.openUrl(origin(), await s3Store(place().server).presign(path));
    await expect(explorer.row("api", 2)).toBeVisible();
    await explorer.unfold("css", 2);
    await explorer.unfold("at-rules", 3);
    const table = traffic.requests.length;
    await explorer.unfold("charset", 4);
    await expect(explorer.row("__compat", 5)).toBeVisible();
    await explorer.picture(info, "three-levels");

    expect(table, "levels of the table of contents cost nothing").toBeLessThanOrEqual(2);
    const responses = await Promise.all(traffic.requests.map((request) => request.response()));
    expect(traffic.requests.map((request) => request.method())).toEqual(responses.map(() => "GET"));
    expect(responses.map((response) => response?.status())).toEqual(responses.map(() => 206));
    expect(traffic.requests.length).toBeLessThanOrEqual(3);
    expect(await traffic.bodyBytes()).toBeLessThanOrEqual(640 * KiB);
    expect(traffic.preflights).toEqual([]);
    await expect.poll(() => explorer.requests()).toBe(traffic.requests.length);
    await expect(page.getByText(/You read\s*\d+\skB of 17\.\d\sMB/)).toBeVisible();
    await expect(
      page.getByRole("table", { name: "Requests" }).getByText("open", { exact: true }).first(),
    ).toBeVisible();
    expect(explorer.trouble).toEqual([]);
  });

  test("keeps credentials in memory only, and a link asks for them again", async ({
    page,
    context,
  }, info) => {
    const { server } = place();
    const explorer = new ExplorerPage(page);
    await page.goto(origin());
    await explorer.fillS3({ ...server, path });
    await expect(explorer.row("api", 2)).toBeVisible();
    await explorer.goTo("css/at-rules/charset/__compat");
    await expect(page.getByRole("navigation", { name: "Path" })).toContainText("charset");

    const { accessKeyId, secretAccessKey } = server.credentials;
    const stored = await page.evaluate(() =>
      JSON.stringify([
        location.href,
        history.state,
        { ...localStorage },
        { ...sessionStorage },
        document.cookie,
      ]),
    );
    expect(stored).toContain("charset");
    expect(stored).not.toContain(accessKeyId);
    expect(stored).not.toContain(secretAccessKey);

    await page.getByRole("button", { name: "Share a link" }).click();
    const link = await page.getByLabel("Link", { exact: true }).inputValue();
    expect(link).not.toContain(accessKeyId);
    await expect(page.getByText("It does not contain your credentials")).toBeVisible();
    await explorer.picture(info, "share");

    const other = new ExplorerPage(await context.newPage());
    await other.page.goto(link);
    await expect(other.page.getByText("Enter yours")).toBeVisible();
    const warning = other.page.getByRole("alert");
    await expect(warning).toContainText(`the server ${new URL(server.endpoint).host}`);
    await expect(warning).toContainText("only if you trust it");
    await other.page.getByLabel("Endpoint").fill("http://127.0.0.1:1");
    await expect(warning, "an endpoint of one's own needs no warning").toBeHidden();
    await other.page.getByLabel("Endpoint").fill(server.endpoint);
    await expect(warning).toBeVisible();
    await other.fillCredentials(server.credentials);
    await expect(other.page.getByRole("navigation", { name: "Path" })).toContainText("charset");
    await expect(other.search).toHaveValue("css/at-rules/charset/__compat");
    expect([...explorer.trouble, ...other.trouble]).toEqual([]);
  });

  test("reads from the cache on a second visit, with no request for data", async ({
    page,
    context,
  }, info) => {
    const { server } = place();
    const visit = async (explorer: ExplorerPage): Promise<void> => {
      await explorer.openUrl(origin(), await s3Store(server).presign(path));
      await explorer.goTo("css/at-rules/charset/__compat");
      await expect(explorer.page.getByText('"css/at-rules/charset.json"').first()).toBeVisible();
    };
    const first = new ExplorerPage(page);
    await visit(first);
    await first.untilCached();
    await page.close();

    const again = new ExplorerPage(await context.newPage());
    const traffic = await watchTraffic(again.page, new URL(server.endpoint).origin);
    await visit(again);
    await again.picture(info, "second-visit");
    expect(traffic.requests.length, "one request asks whether the object has changed").toBe(1);
    expect(await traffic.bodyBytes()).toBeLessThanOrEqual(1);
    await expect(again.page.getByText(/\d+\skB from the cache/)).toBeVisible();
    expect(again.trouble).toEqual([]);
  });

  test("shows a refusal with its code, and without the query", async ({ page }, info) => {
    const explorer = new ExplorerPage(page);
    const url = new URL(await s3Store(place().server).presign(path));
    url.searchParams.set("X-Amz-Signature", "0".repeat(64));
    await page.goto(origin());
    await page.getByLabel("Address").fill(url.href);
    await page.getByRole("button", { name: "Open", exact: true }).click();
    const alert = page.getByRole("alert");
    // Refusals of versitygw have no CORS headers, so that the browser hides them from the page.
    const hidden = kind === "versitygw";
    await expect(alert).toContainText(hidden ? "No usable response" : "The signature does not fit");
    await expect(alert).toContainText(hidden ? "network" : "denied");
    await expect(alert).not.toContainText("X-Amz");
    await explorer.picture(info, "refused");
    expect(explorer.trouble).toEqual([]);
  });
});

test.describe("the page", () => {
  let runs: string;
  let bytes: Uint8Array;
  test.beforeAll(async () => {
    bytes = encodeArchive(simulations(RUNS), { trivialSize: 32 });
    runs = await served().put("simulations.msglc", bytes);
  });

  test("states a policy without eval and without inline code", async ({ page }) => {
    await page.goto(origin());
    const policy = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute("content");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain("unsafe");
    expect(
      await page.evaluate(() => document.querySelectorAll("script:not([src]), style, [style]").length),
    ).toBe(0);
  });

  test("selects one number of every entry, and plots the numbers", async ({ page }, info) => {
    const explorer = new ExplorerPage(page);
    await explorer.openUrl(origin(), runs);
    await explorer.goTo("entries/*/energy");
    await expect(page.getByText(`${RUNS} matches`, { exact: true })).toBeVisible({ timeout: 20_000 });
    await expect.poll(() => isPainted(page, ".line-plot")).toBe(true);
    await expect.poll(() => isPainted(page, ".histogram-plot")).toBe(true);
    await expect(page.locator(".plot-facts")).toContainText("Std. deviation");
    await explorer.picture(info, "selected");
    const [read, whole] = await page.locator(".meter").evaluate((meter) => {
      const bytes = (text: string): number =>
        Number.parseFloat(text) * { B: 1, kB: 1e3, MB: 1e6 }[text.split(/\s/)[1]!]!;
      return [...meter.querySelectorAll("strong, .whole")].map((part) => bytes(part.textContent!));
    });
    expect(whole! / bytes.length).toBeCloseTo(1, 1);
    expect(read, "the table of contents, and nine bytes of each").toBeLessThan(whole! / 20);

    await page.getByRole("tab", { name: "List" }).click();
    await page.getByRole("button", { name: /run-00007/ }).click();
    await expect(explorer.search).toHaveValue("entries/run-00007/energy");
    await expect(page.getByRole("treeitem", { selected: true })).toContainText("energy");
    expect(explorer.trouble).toEqual([]);
  });

  test("shows numbers as lines, as an image, as a table and as text", async ({ page }, info) => {
    const explorer = new ExplorerPage(page);
    await explorer.openUrl(origin(), runs);
    await explorer.goTo("spectrum");
    await expect.poll(() => isPainted(page, ".line-plot")).toBe(true);
    await page.locator(".line-plot").hover();
    await expect(page.locator(".reading-value")).toContainText(/-?\d/);
    await explorer.picture(info, "spectrum");
    await explorer.goTo("entries/run-00001/density");
    await expect.poll(() => isPainted(page, ".image-plot")).toBe(true);
    await explorer.picture(info, "density");
    await explorer.goTo("summary");
    await page.getByRole("tab", { name: "Table" }).click();
    await expect(page.getByRole("columnheader", { name: "band_gap" })).toBeVisible();
    await expect(page.getByRole("gridcell", { name: '"run-00003"' })).toBeVisible();
    await explorer.picture(info, "table");
    await page.getByRole("button", { name: "Plot band_gap of every row" }).click();
    await expect(page.getByText(`${RUNS} matches`, { exact: true })).toBeVisible({ timeout: 20_000 });
    await expect.poll(() => isPainted(page, ".line-plot")).toBe(true);
    await explorer.goTo("about");
    await page.getByRole("tab", { name: "Text" }).click();
    await expect(page.getByRole("region", { name: "The value as text" })).toContainText(
      "2305843009213693963n",
    );
    expect(explorer.trouble).toEqual([]);
  });

  test("completes keys without a request, and reports a missing key", async ({ page }, info) => {
    const explorer = new ExplorerPage(page);
    await explorer.openUrl(origin(), runs);
    await expect(explorer.row("entries", 2)).toBeVisible();
    await page.waitForTimeout(300);
    const before = await explorer.requests();
    await page.keyboard.press("/");
    await expect(explorer.search).toBeFocused();
    await page.keyboard.type("ent");
    await page.keyboard.press("Tab");
    await expect(explorer.search).toHaveValue("entries/");
    await page.keyboard.type("run-0001");
    await expect(page.getByRole("option")).toHaveCount(10);
    await explorer.picture(info, "completion");
    expect(await explorer.requests()).toBe(before);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect(explorer.row("run-00010", 3)).toHaveAttribute("aria-selected", "true");
    await explorer.goTo("entries/nobody");
    await expect(page.getByText('There is no "nobody" in entries.')).toBeVisible();
    expect(explorer.trouble).toEqual([]);
  });

  test("works with the keyboard alone", async ({ page }) => {
    const explorer = new ExplorerPage(page);
    await page.goto(origin());
    await page.keyboard.press("Tab");
    await expect(page.locator(":focus-visible")).toBeVisible();
    while (
      (await page.getByLabel("Address").evaluate((field) => field === document.activeElement)) === false
    ) {
      await page.keyboard.press("Tab");
    }
    await page.keyboard.type(runs);
    await page.keyboard.press("Enter");
    await expect(explorer.tree).toBeFocused();
    const chosen = page.getByRole("treeitem", { selected: true });
    for (const key of ["ArrowDown", "ArrowDown"]) await page.keyboard.press(key);
    await expect(chosen).toContainText("entries");
    await page.keyboard.press("ArrowRight");
    await expect(chosen).toHaveAttribute("aria-expanded", "true");
    await page.keyboard.press("ArrowRight");
    await expect(chosen).toContainText("run-00000");
    await expect(chosen).toHaveAttribute("aria-level", "3");
    await expect(chosen).toHaveAttribute("aria-setsize", String(RUNS));
    await page.keyboard.type("run-0012");
    await expect(chosen).toContainText("run-00120");
    expect(await explorer.tree.getAttribute("aria-activedescendant")).toBe(await chosen.getAttribute("id"));
    await page.keyboard.press("ArrowLeft");
    await expect(chosen).toContainText("entries");
    await page.keyboard.press("ArrowLeft");
    await expect(chosen).toHaveAttribute("aria-expanded", "false");
    await page.keyboard.press("End");
    await expect(chosen).toContainText("trajectory");
    await page.keyboard.press("?");
    await expect(page.getByRole("dialog")).toContainText("Keyboard");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toBeHidden();
    await page.keyboard.press("/");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await expect(explorer.tree).toBeFocused();
    expect(explorer.trouble).toEqual([]);
  });

  test("opens a link at the same path, and follows the browser's back button", async ({ page, context }) => {
    const explorer = new ExplorerPage(page);
    await explorer.openUrl(origin(), runs);
    await explorer.goTo("entries/run-00042/material");
    await expect(page.getByRole("treeitem", { selected: true })).toContainText("material");
    const link = page.url();
    expect(link).toContain("path=entries/run-00042/material");

    const other = new ExplorerPage(await context.newPage());
    await other.page.goto(link);
    await expect(other.page.getByRole("treeitem", { selected: true })).toContainText("material");
    await expect(other.page.getByRole("navigation", { name: "Path" })).toContainText("run-00042");

    await page.goBack();
    await expect(page.getByLabel("Address")).toBeVisible();
    await page.goForward();
    await expect(page.getByRole("treeitem", { selected: true })).toContainText("material");
    expect([...explorer.trouble, ...other.trouble]).toEqual([]);
  });

  test("does not share a presigned address", async ({ page }) => {
    const explorer = new ExplorerPage(page);
    await explorer.openUrl(origin(), `${runs}?X-Amz-Signature=hunter2`);
    await expect(explorer.row("entries", 2)).toBeVisible();
    expect(page.url()).not.toContain("hunter2");
    await page.getByRole("button", { name: "Share a link" }).click();
    await expect(page.getByRole("dialog")).toContainText("A presigned URL is not shareable");
    const link = await page.getByLabel("Link", { exact: true }).inputValue();
    expect(link).not.toMatch(/hunter2|X-Amz/);
    await page.goto("about:blank");
    await page.goto(link);
    await expect(page.getByText("Paste an address of your own")).toBeVisible();
    await expect(page.getByLabel("Address")).toHaveValue(runs);
  });

  test("reads a dropped file and a chosen file", async ({ page }, info) => {
    const explorer = new ExplorerPage(page);
    await page.goto(origin());
    const small = encodeArchive({
      dropped: { here: true },
      list: Array.from({ length: 5000 }, (_, i) => i / 3),
    });
    const data = await page.evaluateHandle((encoded) => {
      const content = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], "dropped.msglc"));
      return transfer;
    }, Buffer.from(small).toString("base64"));
    await page.dispatchEvent("body", "dragenter", { dataTransfer: data });
    await expect(page.getByText("Drop to open")).toBeVisible();
    await page.dispatchEvent("body", "drop", { dataTransfer: data });
    await expect(explorer.row("dropped", 2)).toBeVisible();
    await explorer.goTo("list");
    await expect.poll(() => isPainted(page, ".line-plot")).toBe(true);
    await expect(page.getByText(/You read\s*\d/)).toBeVisible();

    await page.getByRole("button", { name: "open another archive" }).click();
    await page.getByRole("tab", { name: "File" }).click();
    await explorer.picture(info, "file-form");
    await page
      .locator('input[type="file"]')
      .setInputFiles({ name: "chosen.msglc", mimeType: "", buffer: Buffer.from(bytes) });
    await expect(explorer.row("entries", 2)).toBeVisible();
    await expect(page).toHaveURL(/#file=chosen\.msglc/);
    await page.getByRole("button", { name: "open another archive" }).click();
    await page.getByRole("tab", { name: "File" }).click();
    await page
      .locator('input[type="file"]')
      .setInputFiles({ name: "no.msglc", mimeType: "", buffer: Buffer.from("x".repeat(500)) });
    await expect(page.getByRole("alert")).toContainText("not-an-archive");
    await explorer.picture(info, "not-an-archive");
    expect(explorer.trouble).toEqual([]);
  });

  test("reads a compressed archive by itself, and shows what was read of its compressed bytes", async ({
    page,
  }) => {
    const explorer = new ExplorerPage(page);
    const memory = memorySink();
    const entries = Object.fromEntries(
      Array.from({ length: 5000 }, (_, i) => [`entry ${i}`, { id: i, text: `text ${i} `.repeat(40) }]),
    );
    await writeArchive(zstdSink(memory), { entries, numbers: Array.from({ length: 5000 }, (_, i) => i / 3) });
    const url = await served().put("compressed.msglc.zst", memory.bytes());
    await explorer.openUrl(origin(), url);
    await explorer.unfold("entries", 2);
    await expect(explorer.row("entry 0", 3)).toBeVisible();
    await explorer.goTo("numbers");
    await expect.poll(() => isPainted(page, ".line-plot")).toBe(true);
    // The archive itself has 2 MB.
    await expect(page.getByText(/You read\s*[\d.]+\skB of [\d.]+\skB/)).toBeVisible();
    expect(explorer.trouble).toEqual([]);
  });

  test("aborts a read when the entry is folded", async ({ page }) => {
    const explorer = new ExplorerPage(page);
    await explorer.openUrl(origin(), runs);
    await explorer.unfold("summary", 2);
    // The table beside the tree reads the first rows of the list, and not the last one.
    await explorer.tree.press("End");
    await expect.poll(() => isPainted(page, ".line-plot")).toBe(true);
    const row = explorer.row(String(RUNS - 1), 3);
    await expect(row).toBeVisible();
    const failed: string[] = [];
    page.on("requestfailed", (request) => failed.push(request.failure()?.errorText ?? ""));
    // From now on the server responds slowly.
    await page.route("**/simulations.msglc", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 5000));
      await route.continue().catch(() => {});
    });
    await row.locator(".twisty").click();
    await expect(row).toHaveAttribute("aria-busy", "true");
    await expect(page.getByRole("button", { name: "Stop" })).toBeVisible();
    await page.getByRole("button", { name: "Stop" }).click();
    await row.locator(".twisty").click();
    await expect(row).not.toHaveAttribute("aria-busy");
    await expect.poll(() => failed).toContain("net::ERR_ABORTED");
    expect(explorer.trouble).toEqual([]);
  });

  for (const scheme of ["dark", "light"] as const) {
    test(`has a ${scheme} look, and a small screen shows one pane at a time`, async ({ browser }, info) => {
      const context = await browser.newContext({
        colorScheme: scheme,
        viewport: { width: 390, height: 844 },
        hasTouch: true,
        isMobile: true,
      });
      const page = await context.newPage();
      const explorer = new ExplorerPage(page);
      await page.goto(origin());
      await explorer.picture(info, `${scheme}-home-small`);
      const luminance = (): Promise<number> =>
        page.evaluate(() => {
          const [red, green, blue] = getComputedStyle(document.body)
            .backgroundColor.match(/\d+/g)!
            .map(Number);
          return (red! + green! + blue!) / 3;
        });
      expect((await luminance()) < 128).toBe(scheme === "dark");
      await explorer.openUrl(origin(), runs);
      const fits = async (): Promise<void> =>
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      await explorer.row("entries", 2).tap();
      await expect(explorer.row("run-00002", 3)).toBeVisible();
      await fits();
      await explorer.picture(info, `${scheme}-tree-small`);
      await explorer.goTo("spectrum");
      await page.getByRole("button", { name: "Value", exact: true }).tap();
      await expect(explorer.tree).toBeHidden();
      await expect.poll(() => isPainted(page, ".line-plot")).toBe(true);
      await fits();
      await explorer.picture(info, `${scheme}-value-small`);
      await page.getByRole("button", { name: "Bytes" }).tap();
      await expect(page.getByRole("table", { name: "Requests" })).toBeVisible();
      await fits();
      await explorer.picture(info, `${scheme}-bytes-small`);
      // The button switches from the system's theme to dark, then to light.
      const toggle = page.getByRole("button", { name: /^Colors/ });
      await toggle.tap();
      expect(await luminance()).toBeLessThan(128);
      await toggle.tap();
      expect(await luminance()).toBeGreaterThan(128);
      await page.reload();
      expect(await luminance()).toBeGreaterThan(128);
      expect(explorer.trouble).toEqual([]);
      await context.close();
    });
  }
});

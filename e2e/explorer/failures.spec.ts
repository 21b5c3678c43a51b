import { encodeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { type FaultProxy, faults, setCors, startFaultProxy } from "@peekpack/testing";
import { expect, type Page } from "@playwright/test";
import { accessibilityViolations } from "../accessibility.js";
import { forAllTests, onEachServer, test } from "../browser-test.js";
import { ExplorerPage } from "./explorer-page.js";
import { serveExplorer } from "./served-explorer.js";

const MiB = 2 ** 20;

const served = forAllTests(serveExplorer);
const rustfs = ["rustfs"] as const;
onEachServer((place) => {
  let proxy: FaultProxy;
  let path: string;
  const address = (): Promise<string> => s3Store(proxy.access).presign(path);
  const open = (page: Page) => page.getByRole("button", { name: "Open", exact: true }).click();

  test.beforeAll(async () => {
    const { server, bucket } = place();
    await setCors(server, bucket, [served().origin]);
    proxy = await startFaultProxy(server);
    path = `${bucket}/failures.msglc`;
    // Larger than what is read whole if a server ignores ranges.
    const value = { note: "here", more: { text: "y".repeat(20_000) }, bulk: new Uint8Array(5 * MiB) };
    await s3Store(server).target(path).putObject(encodeArchive(value));
  });
  test.afterAll(() => proxy?.close());

  test("asks for a fresh address when a presigned one expires, and goes on where it stopped", async ({
    page,
  }, info) => {
    const explorer = new ExplorerPage(page);
    await explorer.openUrl(served().origin, await address());
    const expired = proxy.add({ fault: faults.expired() });
    await explorer.goTo("more/text");
    const dialog = page.getByRole("dialog");
    await expect(dialog).toContainText("The server refuses this address");
    await explorer.picture(info, "expired");
    expect(await accessibilityViolations(page)).toEqual([]);
    await explorer.picture(info, "expired-dark");

    await dialog.getByLabel("Fresh address").fill(`${proxy.endpoint}/another/object?X-Amz-Signature=1`);
    await dialog.getByRole("button", { name: "Go on" }).click();
    await expect(dialog).toBeVisible();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await expect(page.getByRole("alert")).toContainText("The address or the keys have expired");
    await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
    await expect(dialog).toBeVisible();
    expired.remove();
    await dialog.getByLabel("Fresh address").fill(await address());
    await dialog.getByRole("button", { name: "Go on" }).click();
    await expect(page.getByText(/yyyyyyyyyy/).first()).toBeVisible();
    expect(page.url()).not.toContain("X-Amz");
    expect(explorer.trouble).toEqual([]);
  });

  test("says that a view from the cache may be out of date, and asks the server again", async ({
    page,
  }, info) => {
    const explorer = new ExplorerPage(page);
    await explorer.openUrl(served().origin, await address());
    await expect(page.locator(".stale")).toHaveCount(0);
    await explorer.untilCached();
    const down = proxy.add({ fault: faults.resetBefore() });
    await explorer.openUrl(served().origin, await address());
    await expect(page.locator(".stale")).toContainText("it may be out of date");
    await explorer.picture(info, "stale");
    expect(await accessibilityViolations(page, ".stale")).toEqual([]);
    await explorer.picture(info, "stale-dark");
    down.remove();
    await page.getByRole("button", { name: "Ask the server again" }).click();
    await expect(page.locator(".stale")).toHaveCount(0);
    await expect(explorer.tree).toBeVisible();

    // The first page lists the archive, by an address without a signature.
    await page.getByRole("button", { name: "peekpack: open another archive" }).click();
    const recent = page.getByRole("navigation", { name: "Recent archives" });
    await explorer.picture(info, "recent");
    expect(await accessibilityViolations(page)).toEqual([]);
    await recent.getByRole("link", { name: "failures.msglc" }).click();
    await expect(page.getByLabel("Address")).toHaveValue(`${proxy.endpoint}/${path}`);
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain("X-Amz");
    await recent.getByRole("button", { name: "Forget them" }).click();
    await expect(recent).toHaveCount(0);
    expect(explorer.trouble).toEqual([]);
  });

  test("tells ignored ranges, a failing server and wrong keys apart", async ({ page }, info) => {
    const explorer = new ExplorerPage(page);
    const alert = page.getByRole("alert");
    await page.goto(served().origin);
    await page.getByLabel("Keep what is read").uncheck();
    for (const [fault, title] of [
      [{ kind: "whole" }, "The server ignores ranges"],
      [faults.serverError(), "The server fails"],
    ] as const) {
      const rule = proxy.add({ fault });
      await page.getByLabel("Address").fill(await address());
      await open(page);
      await expect(alert).toContainText(title, { timeout: 20_000 });
      await explorer.picture(info, title);
      rule.remove();
    }
    const { endpoint, region, credentials } = place().server;
    const wrong = { ...credentials, secretAccessKey: "wrong-secret" };
    await explorer.fillS3({ endpoint, path, region, credentials: wrong });
    await expect(alert).toContainText("The signature does not fit");
    await explorer.fillS3({
      endpoint,
      path,
      region,
      credentials: { accessKeyId: "AKIDNOBODY", secretAccessKey: "wrong-secret" },
    });
    await expect(alert).toContainText("The server does not know the access key");
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(explorer.trouble).toEqual([]);
  });
}, rustfs);

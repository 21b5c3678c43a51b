import { expect } from "@playwright/test";
import { accessibilityViolations } from "../accessibility.js";
import { forAllTests, test, watchTraffic, watchTrouble } from "../browser-test.js";
import { serveExample } from "../served-example.js";

const served = forAllTests(() => serveExample("examples/static-site/publish/dist/main.js"));
test("a page in a public bucket reads the archive beside it by ranges, without signatures", async ({
  page,
}) => {
  const trouble = watchTrouble(page, (message) => message.type() === "error");
  const { origin } = new URL(served().url);
  const traffic = await watchTraffic(page, origin);
  await page.goto(served().url);
  await page.getByRole("link", { name: "css", exact: true }).click();
  await page.getByRole("link", { name: "properties", exact: true }).click();
  await page.getByRole("link", { name: "clip-path", exact: true }).click();
  const chrome = page
    .getByRole("row")
    .filter({ has: page.getByRole("rowheader", { name: "Chrome", exact: true }) });
  await expect(chrome).toContainText("55");
  await expect(page.getByRole("link", { name: "border-box" })).toBeVisible();
  await page.screenshot({ path: test.info().outputPath("static-site.png") });

  const ofArchive = traffic.requests.filter((request) => request.url().endsWith(".msglc"));
  const statuses = await Promise.all(
    ofArchive.map(async (request) => (await request.response())?.status() ?? request.failure()?.errorText),
  );
  // The reader aborts what a click, or the head of the archive, made needless.
  const answered = statuses.filter((status) => status !== "net::ERR_ABORTED");
  expect(answered.length).toBeGreaterThan(2);
  expect(new Set(answered)).toEqual(new Set([206]));
  expect(traffic.preflights).toEqual([]);
  expect(traffic.requests.every((request) => request.headers().authorization === undefined)).toBe(true);
  await expect(page.getByText(/You read \d{1,3} kB of \d\d\.\d MB/)).toBeVisible();
  expect(await accessibilityViolations(page)).toEqual([]);

  // An address that leads nowhere says so, and the way back works.
  await page.goto(`${served().url}#/css/nothing`);
  await expect(page.getByRole("alert")).toContainText("nothing");
  await page.getByRole("link", { name: "All" }).click();
  await expect(page.getByRole("link", { name: "javascript", exact: true })).toBeVisible();
  expect(trouble).toEqual([]);
});

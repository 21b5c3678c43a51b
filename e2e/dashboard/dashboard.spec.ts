import { expect } from "@playwright/test";
import { accessibilityViolations } from "../accessibility.js";
import { forAllTests, test, watchTrouble } from "../browser-test.js";
import { serveExample } from "../served-example.js";

const served = forAllTests(() => serveExample("examples/dashboard/serve/dist/main.js", ["--size", "16"]));
test("queries, plots a column while it arrives, and reads only what it shows", async ({ page }) => {
  const trouble = watchTrouble(page, (message) => message.type() === "error");
  const workers: string[] = [];
  page.on("worker", (worker) => workers.push(worker.url()));
  await page.goto(served().url);

  const table = page.getByRole("region", { name: "Stations" });
  const rows = table.getByRole("row").filter({ has: page.getByRole("rowheader") });
  await expect(rows.first()).toContainText("summit-");
  const all = await rows.count();
  const plot = page.getByRole("img", { name: /Temperature by hour: 26,304 values/ });
  await expect(plot).toBeVisible();
  await expect(page.getByText("26,304 hours", { exact: true })).toBeVisible();
  expect(workers.length).toBe(1);

  await page.getByLabel("JSONPath").fill("$.stations[?@.kind == 'valley']");
  await page.getByRole("button", { name: "Find" }).click();
  await expect(rows.first()).toContainText("valley-00001");
  await rows.nth(1).getByRole("button").click();
  await expect(page.getByRole("heading", { name: "valley-00005" })).toBeVisible();
  await page.getByRole("radio", { name: "Pressure" }).check();
  await expect(page.getByRole("img", { name: /Pressure by hour: 26,304 values/ })).toBeVisible();
  await page.screenshot({ path: test.info().outputPath("dashboard.png"), fullPage: true });

  const [compressed] = /compressed to ([\d.]+) MB/.exec(served().output())!.slice(1).map(Number);
  const traffic = await page.getByText(/You read/).textContent();
  const read = Number(/You read (\d+) kB/.exec(traffic!)![1]);
  expect(read * 1e3).toBeLessThan((compressed! * 1e6) / 4);
  expect(all).toBeGreaterThan(3);

  // Errors of the query are shown, and the table comes back.
  await page.getByLabel("JSONPath").fill("$.stations[?");
  await page.getByRole("button", { name: "Find" }).click();
  await expect(page.getByRole("alert")).toContainText("JSONPath");
  await page.getByLabel("JSONPath").fill("$.stations[*].id");
  await page.getByRole("button", { name: "Find" }).click();
  await expect(page.getByRole("alert")).toContainText("does not fit the schema");
  await page.getByLabel("JSONPath").fill("$.stations[:3]");
  await page.getByRole("button", { name: "Find" }).click();
  await expect(rows).toHaveCount(3);
  expect(await accessibilityViolations(page)).toEqual([]);
  expect(trouble).toEqual([]);
});

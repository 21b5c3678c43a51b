import { expect } from "@playwright/test";
import { energyOf } from "../../examples/explorer/src/demo/forty-gigabytes.js";
import { accessibilityViolations } from "../accessibility.js";
import { forAllTests, test } from "../browser-test.js";
import { ExplorerPage } from "./explorer-page.js";
import { serveExplorer } from "./served-explorer.js";

const served = forAllTests(serveExplorer);

test("the first page reads one number out of forty gigabytes, says what it cost, and opens them as a tree", async ({
  page,
}, info) => {
  const explorer = new ExplorerPage(page);
  await page.goto(served().origin);
  await page.getByRole("button", { name: "Read one number of 40 GB" }).click();
  const cost = page.locator(".one-number");
  await expect(cost).toHaveText(
    /^runs\/\d+\/energy = -\d+\.\d+: \d+\skB of 40\.0\sGB, in [2-4] requests and [\d.]+\sm?s\.$/,
    { timeout: 20_000 },
  );
  await explorer.picture(info, "one-number");
  expect(await accessibilityViolations(page)).toEqual([]);
  await explorer.picture(info, "one-number-dark");

  await page.getByRole("button", { name: "walk through the 40 GB" }).click();
  await explorer.unfold("runs", 2);
  await explorer.unfold("7", 3);
  await explorer.goTo("runs/7/energy");
  await expect(page.getByText(String(energyOf(7))).first()).toBeVisible();
  await expect(page.getByText(/You read\s*\d+\skB of 40\.0\sGB/)).toBeVisible();
  await explorer.picture(info, "walk");
  expect(explorer.trouble).toEqual([]);
});

import { expect } from "@playwright/test";
import { needBrowser, test } from "./browser-test.js";
import { serveExample } from "./served-example.js";

test("the command of browser-writer serves its page, with a bucket to write to", async ({
  page,
  browserAbsent,
}) => {
  needBrowser(browserAbsent);
  const served = await serveExample("examples/browser-writer/serve/dist/main.js");
  try {
    await page.goto(served.url);
    await expect(page.getByRole("button", { name: "Write", exact: true })).toBeVisible({ timeout: 30_000 });
    await expect(page.getByLabel("Bucket and key")).toHaveValue(/^peekpack-writer-/);
  } finally {
    await served.close();
  }
  expect(served.output()).toMatch(/The explorer: http:\/\/127\.0\.0\.1:\d+\//);
  expect(served.output()).toContain("removing the bucket");
});

test("the command of the explorer serves its page", async ({ page, browserAbsent }) => {
  needBrowser(browserAbsent);
  const vite = "node_modules/vite/bin/vite.js";
  const served = await serveExample(vite, ["examples/explorer", "--host", "127.0.0.1"]);
  try {
    await page.goto(served.url);
    const generated = page.getByRole("button", { name: "Try a generated one" });
    await expect(generated).toBeVisible({ timeout: 30_000 });
  } finally {
    await served.close();
  }
});

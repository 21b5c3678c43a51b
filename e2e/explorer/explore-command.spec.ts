import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { encodeArchive } from "@peekpack/core";
import { expect } from "@playwright/test";
import { needBrowser, test } from "../browser-test.js";
import { ExplorerPage } from "./explorer-page.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

test("peekpack explore opens the archive in the page", async ({ page, browserAbsent }) => {
  needBrowser(browserAbsent);
  test.setTimeout(180_000);
  await promisify(execFile)("npm", ["run", "-s", "build:page", "--workspace", "@peekpack/cli"], {
    cwd: root,
  });
  const folder = await mkdtemp(join(tmpdir(), "peekpack-explore-"));
  const file = join(folder, "measurements.msglc");
  await writeFile(file, encodeArchive({ config: { title: "a title" }, entries: ["x".repeat(20_000)] }));
  const child = spawn(process.execPath, [join(root, "packages/cli/bin/peekpack.js"), "explore", file]);
  try {
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.once("data", (chunk: Buffer) => resolve(String(chunk).trim()));
      child.once("exit", () => reject(new Error("The command has ended.")));
    });
    const explorer = new ExplorerPage(page);
    await page.goto(url);
    await expect(explorer.row("config", 2)).toBeVisible();
    await explorer.goTo("config/title");
    await expect(page.getByText('"a title"').first()).toBeVisible();
    expect(explorer.trouble).toEqual([]);
  } finally {
    child.kill();
    await rm(folder, { recursive: true });
  }
});

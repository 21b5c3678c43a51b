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

test("peekpack explore opens the archive in the page, and without one a page that offers real data", async ({
  page,
  browserAbsent,
}) => {
  needBrowser(browserAbsent);
  test.setTimeout(180_000);
  await promisify(execFile)("npm", ["run", "-s", "build:page", "--workspace", "@peekpack/cli"], {
    cwd: root,
  });
  const folder = await mkdtemp(join(tmpdir(), "peekpack-explore-"));
  const file = join(folder, "measurements.msglc");
  await writeFile(file, encodeArchive({ config: { title: "a title" }, entries: ["x".repeat(20_000)] }));
  const explorer = new ExplorerPage(page);
  try {
    await explored([file], async (url) => {
      await page.goto(url);
      await expect(explorer.row("config", 2)).toBeVisible();
      await explorer.goTo("config/title");
      await expect(page.getByText('"a title"').first()).toBeVisible();
    });
    await explored([], async (url) => {
      await page.goto(url);
      await page.getByRole("button", { name: "the same compressed" }).click();
      await expect(explorer.row("css", 2)).toBeVisible();
      await explorer.goTo("css/properties/color/__compat/source_file");
      await expect(page.getByText('"css/properties/color.json"').first()).toBeVisible();
    });
    expect(explorer.trouble).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** Does something while the command serves the page. */
async function explored(args: readonly string[], act: (url: string) => Promise<void>): Promise<void> {
  const command = join(root, "packages/cli/bin/peekpack.js");
  const child = spawn(process.execPath, [command, "explore", ...args]);
  try {
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.once("data", (chunk: Buffer) => resolve(String(chunk).trim()));
      child.once("exit", () => reject(new Error("The command has ended.")));
    });
    await act(url);
  } finally {
    child.kill();
  }
}

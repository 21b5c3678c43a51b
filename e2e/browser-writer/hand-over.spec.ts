import { setCors } from "@peekpack/testing";
import { expect } from "@playwright/test";
import { accessibilityViolations } from "../accessibility.js";
import { forAllTests, onEachServer, test } from "../browser-test.js";
import { ExplorerPage } from "../explorer/explorer-page.js";
import { serveExplorer } from "../explorer/served-explorer.js";
import { serveWriter } from "./served-writer.js";
import { WriterPage } from "./writer-page.js";

const served = forAllTests(serveWriter);
const explorer = forAllTests(serveExplorer);

const rustfs = ["rustfs"] as const;
onEachServer((place) => {
  test("hands an archive over to the explorer in one click, and no signature becomes part of an address", async ({
    page,
    context,
  }, info) => {
    const { server, bucket } = place();
    await setCors(server, bucket, [served().origin, explorer().origin]);
    served().signing = { access: server, bucket, server: server.how, explorer: explorer().origin };
    const path = `${bucket}/handed/sky.msglc`;
    const writer = new WriterPage(page);
    await page.goto(served().origin);
    await writer.write({ size: 0, path, keys: server, concurrency: "4" });
    await writer.done();
    await expect(writer.button("Open in the explorer")).toBeVisible();
    expect(await accessibilityViolations(page)).toEqual([]);
    await writer.button("Open in the explorer").scrollIntoViewIfNeeded();
    await writer.picture(info, "hand-over");

    const addresses: string[] = [];
    const opened = context.waitForEvent("page");
    await writer.button("Open in the explorer").click();
    const tab = await opened;
    tab.on("framenavigated", (frame) => addresses.push(frame.url()));
    const other = new ExplorerPage(tab);
    await expect(other.tree).toBeVisible({ timeout: 15_000 });
    await expect(other.row("survey", 2)).toBeVisible();
    await other.picture(info, "explorer");
    addresses.push(tab.url());
    expect(tab.url()).toContain(`/${path}`);
    expect(addresses.filter((address) => /X-Amz|Signature/i.test(address))).toEqual([]);
    expect([...writer.trouble, ...other.trouble]).toEqual([]);
  });
}, rustfs);

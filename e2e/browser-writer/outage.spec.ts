import { type FaultProxy, faults, setCors, startFaultProxy } from "@peekpack/testing";
import { expect } from "@playwright/test";
import { accessibilityViolations } from "../accessibility.js";
import { forAllTests, onEachServer, test } from "../browser-test.js";
import { serveWriter } from "./served-writer.js";
import { WriterPage } from "./writer-page.js";

const MiB = 2 ** 20;

const served = forAllTests(serveWriter);

const rustfs = ["rustfs"] as const;
onEachServer((place) => {
  let proxy: FaultProxy | undefined;
  test.beforeAll(async () => {
    const { server, bucket } = place();
    await setCors(server, bucket, [served().origin]);
    proxy = await startFaultProxy(server);
    served().signing = { access: proxy.access, bucket, server: server.how };
  });
  test.afterAll(() => proxy?.close());

  test("waits through an outage of the server and one of the network, says so, and goes on by itself", async ({
    page,
    context,
  }, info) => {
    const writer = new WriterPage(page);
    const waiting = page.getByRole("heading", { name: /^Waiting for the network since/ });
    await page.goto(served().origin);
    await writer.uploadAt(4 * MiB);
    await writer.write({ size: 0, path: `${place().bucket}/outage.msglc` });
    await expect(writer.fact("Parts")).toHaveText("1 of 4", { timeout: 15_000 });

    const down = proxy!.add({ fault: faults.resetBefore() });
    await expect(waiting).toBeVisible({ timeout: 15_000 });
    await expect(page.getByText(/^The next try is in \d+ s\.$/)).toBeVisible();
    await expect(writer.title).toHaveText("outage.msglc waits for the network");
    await expect(writer.fact("Rate")).toHaveText(/^0\sB\/s$/);
    await expect(writer.fact("Time left")).toHaveText("–");
    await writer.picture(info, "waiting");
    expect(await accessibilityViolations(page)).toEqual([]);
    await writer.picture(info, "waiting-dark");
    down.remove();
    await writer.button("Try now").click();
    await expect(waiting).toHaveCount(0);
    await expect(writer.fact("Parts")).toHaveText("2 of 4", { timeout: 15_000 });

    await context.setOffline(true);
    await expect(waiting).toBeVisible();
    await expect(page.getByText("This browser is offline.")).toBeVisible();
    await expect(writer.fact("Rate")).toHaveText(/^0\sB\/s$/);
    await writer.picture(info, "offline");
    await writer.uploadAt(undefined);
    await context.setOffline(false);
    await writer.done();
    expect(writer.trouble).toEqual([]);
  });

  test("does not count bytes of an earlier page in the rate", async ({ page }) => {
    const writer = new WriterPage(page);
    await page.goto(served().origin);
    await writer.uploadAt(4 * MiB);
    await writer.write({ size: 0, path: `${place().bucket}/rate.msglc` });
    await expect(writer.fact("Parts")).toHaveText("2 of 4", { timeout: 15_000 });
    await page.reload();

    // So slow that only what an earlier page has sent could make a rate of megabytes.
    await writer.uploadAt(100_000);
    const rates = await page.evaluateHandle(() => {
      const seen: string[] = [];
      new MutationObserver(() => {
        const fact = [...document.querySelectorAll(".fact")].find((it) => it.textContent?.startsWith("Rate"));
        const text = fact?.querySelector("dd")?.textContent;
        if (text) seen.push(text);
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
      return seen;
    });
    await writer.button("Resume rate.msglc").click();
    await expect(writer.fact("Parts")).toHaveText("2 of 4");
    await expect(writer.fact("Rate")).toHaveText(/kB\/s$/, { timeout: 10_000 });
    await writer.button("Pause").click();
    expect((await rates.jsonValue()).filter((text) => /MB/.test(text))).toEqual([]);
    expect(writer.trouble).toEqual([]);
  });
}, rustfs);

import { openArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { freshBucket, removeBucket, setCors } from "@peekpack/testing";
import { expect, type Page, type TestInfo } from "@playwright/test";
import { accessibilityViolations } from "../accessibility.js";
import { forAllTests, onEachServer, test } from "../browser-test.js";
import { serveWriter } from "./served-writer.js";
import { WriterPage } from "./writer-page.js";

const served = forAllTests(serveWriter);

const rustfs = ["rustfs"] as const;
onEachServer((place) => {
  test.beforeAll(async () => {
    const { server, bucket } = place();
    await setCors(server, bucket, [served().origin]);
    served().signing = { access: server, bucket, server: server.how };
  });

  /** Saves a picture of what the page says, and checks it with axe in light and dark. */
  const look = async (writer: WriterPage, info: TestInfo, name: string): Promise<void> => {
    await writer.page.getByRole("alert").scrollIntoViewIfNeeded();
    await writer.picture(info, name);
    expect(await accessibilityViolations(writer.page)).toEqual([]);
    await writer.picture(info, `${name}-dark`);
    await writer.page.emulateMedia({ colorScheme: "light" });
  };
  const alert = (page: Page) => page.getByRole("alert");

  test("says before it writes that keys are wrong, a bucket is missing, or CORS refuses the page", async ({
    page,
  }, info) => {
    const { server, bucket } = place();
    const closed = await freshBucket(server, "no-cors");
    await setCors(server, closed, ["https://elsewhere.example"]);
    const writer = new WriterPage(page);
    await page.goto(served().origin);
    const keys = { ...server, credentials: { ...server.credentials, secretAccessKey: "wrong-secret" } };
    await writer.write({ size: 0, path: `${bucket}/sky.msglc`, keys });
    await expect(alert(page)).toContainText("The signature does not fit");
    await look(writer, info, "wrong-keys");

    await writer.fillKeys(server);
    // What was found is no longer what is entered.
    await expect(alert(page)).toHaveCount(0);
    await page.getByLabel("Bucket and key").fill("no-such-bucket/sky.msglc");
    await writer.button("Write").click();
    // It has no CORS rules either, so that the page cannot see S3's response.
    await expect(alert(page)).toContainText("no-such-bucket does not allow this page, or does not exist");
    await page.getByLabel("Bucket and key").fill(`${closed}/sky.msglc`);
    await writer.button("Write").click();
    await expect(alert(page)).toContainText(`${closed} does not allow this page`);
    await expect(alert(page)).toContainText(`"${served().origin}"`);
    await look(writer, info, "cors");
    await setCors(server, closed, [served().origin]);
    await writer.button("Check again").click();
    await writer.done();
    await removeBucket(server, closed);
    expect(writer.trouble).toEqual([]);
  });

  test("asks before it replaces an object, and offers a free key", async ({ page }, info) => {
    const store = s3Store(place().server);
    const path = `${place().bucket}/asked/there.msglc`;
    const bytes = Uint8Array.of(1, 2, 3);
    await store.target(path).putObject(bytes);
    const writer = new WriterPage(page);
    await page.goto(served().origin);
    await writer.write({ size: 0, path, concurrency: "4" });
    await expect(alert(page)).toContainText(/there\.msglc has 3\sB/);
    await look(writer, info, "exists");
    await writer.button("Write to there-2.msglc").click();
    await writer.done();
    expect((await store.source(path).probe({ head: 3, tail: 0 })).head).toEqual(bytes);
    await writer.button("Write another").click();

    await page.getByLabel("Bucket and key").fill(path);
    await writer.button("Write").click();
    await writer.button("Replace it").click();
    await writer.done();
    for (const written of [path, path.replace(".msglc", "-2.msglc")]) {
      const archive = await openArchive(store.source(written));
      expect(await archive.has("survey")).toBe(true);
      await archive.close();
    }
    expect(writer.trouble).toEqual([]);
  });
}, rustfs);

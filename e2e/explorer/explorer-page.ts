import { expect, type Locator, type Page, type TestInfo } from "@playwright/test";
import { isPolicyViolation, watchTrouble } from "../browser-test.js";

/** The content of the S3 form. */
export interface S3Form {
  readonly endpoint: string;
  readonly path: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Drives the explorer in a browser. */
export class ExplorerPage {
  readonly page: Page;
  readonly tree: Locator;
  readonly search: Locator;
  /** Errors of scripts, and violations of the page's policy. */
  readonly trouble: readonly string[];

  constructor(page: Page) {
    this.page = page;
    this.tree = page.getByRole("tree");
    this.search = page.getByRole("combobox", { name: "Path or pattern" });
    this.trouble = watchTrouble(page, isPolicyViolation);
  }

  async openUrl(origin: string, url: string): Promise<void> {
    await this.page.goto(origin);
    await this.page.getByLabel("Address").fill(url);
    await this.page.getByRole("button", { name: "Open", exact: true }).click();
    await expect(this.tree).toBeVisible();
  }

  async fillS3({ endpoint, path, region, credentials }: S3Form): Promise<void> {
    await this.page.getByRole("tab", { name: "S3" }).click();
    await this.page.getByLabel("Bucket and key").fill(path);
    await this.page.getByLabel("Endpoint").fill(endpoint);
    await this.page.getByLabel("Region").fill(region);
    await this.fillCredentials(credentials);
  }

  async fillCredentials({ accessKeyId, secretAccessKey }: S3Form["credentials"]): Promise<void> {
    await this.page.getByLabel("Access key").fill(accessKeyId);
    await this.page.getByLabel("Secret key").fill(secretAccessKey);
    await this.page.getByRole("button", { name: "Open", exact: true }).click();
  }

  /** The row with a key at a level. The root has level 1. */
  row(key: string, level: number): Locator {
    return this.page.locator(`[role="treeitem"][aria-level="${level}"]`).filter({
      has: this.page.locator(".key", { hasText: new RegExp(`^${key.replace(/[^\w-]/g, "\\$&")}$`) }),
    });
  }

  /** Unfolds a row by its button. */
  async unfold(key: string, level: number): Promise<void> {
    const row = this.row(key, level);
    await row.locator(".twisty").click();
    await expect(row).toHaveAttribute("aria-expanded", "true");
  }

  async goTo(path: string): Promise<void> {
    await this.search.fill(path);
    await this.search.press("Enter");
  }

  /** Waits until what was read is in the cache, as another page shows. It is written in the background. */
  async untilCached(): Promise<void> {
    await expect(async () => {
      const home = await this.page.context().newPage();
      await home.goto(new URL(this.page.url()).origin);
      await expect(home.getByText(/\d+\s[kM]?B so far/)).toBeVisible({ timeout: 1000 });
      await home.close();
    }).toPass();
  }

  /** How many requests the page reports. */
  async requests(): Promise<number> {
    const text = await this.page.locator(".meter-details").textContent();
    return Number(/([\d,]+) requests?/.exec(text ?? "")?.[1]?.replaceAll(",", "") ?? "0");
  }

  /** Saves a screenshot with the output of the test. */
  async picture(info: TestInfo, name: string): Promise<void> {
    await this.page.screenshot({ path: info.outputPath(`${name}.png`) });
  }
}

import type { S3Server } from "@peekpack/testing";
import { type CDPSession, expect, type Locator, type Page, type TestInfo } from "@playwright/test";

/** What a form is filled in with. */
export interface WriteChoice {
  /** Steps of the slider: 0 is 16 MiB, each further one twice as much. */
  readonly size?: number;
  readonly path?: string;
  /** Signs in the page; else the page's own server does. */
  readonly keys?: S3Server;
  readonly put?: "create" | "overwrite";
  readonly partSize?: "5" | "8";
  readonly parallel?: "1" | "4";
  readonly storage?: "auto" | "opfs" | "indexeddb";
}

/** The writer in a browser, driven as whoever writes would. */
export class WriterPage {
  readonly page: Page;
  readonly title: Locator;
  readonly pending: Locator;
  /** What must not have happened: errors of scripts, refusals of the page's policy. */
  readonly trouble: string[] = [];
  #line: CDPSession | undefined;

  constructor(page: Page) {
    this.page = page;
    this.title = page.getByRole("heading", { level: 1 });
    this.pending = page.locator(".pending-row");
    page.on("pageerror", (error) => this.trouble.push(String(error)));
    page.on("console", (message) => {
      if (/Content Security Policy|Trusted Type/i.test(message.text())) this.trouble.push(message.text());
    });
  }

  button(name: string): Locator {
    return this.page.getByRole("button", { name, exact: true });
  }

  /** The page has found its signing service. */
  async ready(): Promise<void> {
    await expect(this.page.getByText("This page's own server signs each request")).toBeVisible();
  }

  /** Fills the form in, and begins. */
  async write(choice: WriteChoice): Promise<void> {
    const { size, path, keys, put, partSize = "5", parallel = "1", storage } = choice;
    const { page } = this;
    if (size !== undefined)
      await page.getByRole("slider", { name: "Size of the archive" }).fill(String(size));
    if (keys !== undefined) {
      await page.getByRole("tab", { name: "With keys" }).click();
      await page.getByLabel("Endpoint").fill(new URL(keys.endpoint).origin);
      await this.fillKeys(keys);
    } else {
      await this.ready();
    }
    if (path !== undefined) await page.getByLabel("Bucket and key").fill(path);
    if (put !== undefined) await page.getByLabel("If there is one already").selectOption(put);
    await page.getByText("How it is kept and sent").click();
    await page.getByLabel("Parts of").selectOption(partSize);
    await page.getByLabel("Sent at once").selectOption(parallel);
    if (storage !== undefined) await page.getByLabel("Kept meanwhile in").selectOption(storage);
    await this.button("Write it").click();
  }

  async fillKeys({ region, credentials }: S3Server): Promise<void> {
    await this.page.getByLabel("Access key").fill(credentials.accessKeyId);
    await this.page.getByLabel("Secret key").fill(credentials.secretAccessKey);
    await this.page.getByLabel("Region").fill(region);
  }

  /** A figure that the page shows of the work. */
  fact(name: string): Locator {
    return this.page.locator(".fact").filter({ hasText: name }).locator("dd");
  }

  async done(): Promise<void> {
    await expect(this.title).toHaveText(/is on S3$/, { timeout: 20_000 });
  }

  /** Makes the line to the servers slow, or as it was. */
  async uploadAt(bytesPerSecond: number | undefined): Promise<void> {
    // Each session has conditions of its own, and the strictest hold.
    this.#line ??= await this.page.context().newCDPSession(this.page);
    await this.#line.send("Network.enable");
    await this.#line.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: bytesPerSecond ?? -1,
    });
  }

  /** All that the page has stored anywhere, as text; the contents of OPFS as names only. */
  stored(): Promise<{ readonly files: string[]; readonly records: number; readonly text: string }> {
    return this.page.evaluate(async () => {
      const files: string[] = [];
      const walk = async (directory: FileSystemDirectoryHandle, path: string): Promise<void> => {
        for await (const [name, handle] of directory.entries()) {
          if (handle.kind === "directory") await walk(handle as FileSystemDirectoryHandle, `${path}${name}/`);
          else files.push(path + name);
        }
      };
      await walk(await navigator.storage.getDirectory(), "");
      const settle = <T>(request: IDBRequest<T>): Promise<T> =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      const records: unknown[] = [];
      for (const { name } of await indexedDB.databases()) {
        const database = await settle(indexedDB.open(name!));
        for (const store of database.objectStoreNames) {
          const open = database.transaction(store).objectStore(store);
          records.push(...(await settle(open.getAll())));
        }
        database.close();
      }
      const elsewhere = [
        location.href,
        history.state,
        { ...localStorage },
        { ...sessionStorage },
        document.cookie,
        files,
      ];
      return { files, records: records.length, text: JSON.stringify([elsewhere, records]) };
    });
  }

  /** Keeps a picture with the test's output. */
  async picture(info: TestInfo, name: string): Promise<void> {
    await this.page.screenshot({ path: info.outputPath(`${name}.png`) });
  }
}

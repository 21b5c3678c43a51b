import type { S3Server } from "@peekpack/testing";
import { type CDPSession, expect, type Locator, type Page, type TestInfo } from "@playwright/test";
import { isPolicyViolation, watchTrouble } from "../browser-test.js";

/** The content of the form. */
export interface WriteChoice {
  /** Step of the slider: 0 is 16 MiB, doubled at each step. */
  readonly size?: number;
  readonly path?: string;
  /** Keys to sign in the page. Without them, the server of the page signs. */
  readonly keys?: S3Server;
  readonly put?: "create" | "overwrite";
  readonly partSize?: "5" | "8";
  readonly concurrency?: "1" | "4";
  readonly storage?: "auto" | "opfs" | "indexeddb";
}

/** Drives the writer in a browser. */
export class WriterPage {
  readonly page: Page;
  readonly title: Locator;
  readonly pending: Locator;
  /** Errors of scripts, and violations of the page's policy. */
  readonly trouble: readonly string[];
  #network: CDPSession | undefined;

  constructor(page: Page) {
    this.page = page;
    this.title = page.getByRole("heading", { level: 1 });
    this.pending = page.locator(".pending-row");
    this.trouble = watchTrouble(page, isPolicyViolation);
  }

  button(name: string): Locator {
    return this.page.getByRole("button", { name, exact: true });
  }

  /** Waits until the page has found its signing service. */
  async ready(): Promise<void> {
    await expect(this.page.getByText("This page's own server signs each request")).toBeVisible();
  }

  /** Fills in the form and submits it. */
  async write(choice: WriteChoice): Promise<void> {
    const { size, path, keys, put, partSize = "5", concurrency = "1", storage } = choice;
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
    if (put !== undefined) await page.getByLabel("If the object exists").selectOption(put);
    await page.getByText("Spool and upload").click();
    await page.getByLabel("Part size").selectOption(partSize);
    await page.getByLabel("Concurrency").selectOption(concurrency);
    if (storage !== undefined) await page.getByLabel("Spool in").selectOption(storage);
    await this.button("Write").click();
  }

  async fillKeys({ region, credentials }: S3Server): Promise<void> {
    await this.page.getByLabel("Access key").fill(credentials.accessKeyId);
    await this.page.getByLabel("Secret key").fill(credentials.secretAccessKey);
    await this.page.getByLabel("Region").fill(region);
  }

  /** A value that the page shows about the job. */
  fact(name: string): Locator {
    return this.page.locator(".fact").filter({ hasText: name }).locator("dd");
  }

  async done(): Promise<void> {
    await expect(this.title).toHaveText(/is on S3$/, { timeout: 20_000 });
  }

  /** Limits the upload rate. Undefined: no limit. */
  async uploadAt(bytesPerSecond: number | undefined): Promise<void> {
    // Each session has its own conditions. The strictest ones apply.
    this.#network ??= await this.page.context().newCDPSession(this.page);
    await this.#network.send("Network.enable");
    await this.#network.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: bytesPerSecond ?? -1,
    });
  }

  /** Everything that the page has stored, as text. Of files in OPFS only the names. */
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

  /** Saves a screenshot with the output of the test. */
  async picture(info: TestInfo, name: string): Promise<void> {
    await this.page.screenshot({ path: info.outputPath(`${name}.png`) });
  }
}

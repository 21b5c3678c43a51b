import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchOptions } from "@peekpack/testing/browser";
import { type BrowserContext, type CDPSession, chromium, type Page } from "@playwright/test";
import { type BrowserUnderTest, type Tab, tab } from "./tab.js";

/** Chromium, with features of the DevTools protocol. */
export interface ChromiumUnderTest extends BrowserUnderTest {
  readonly context: BrowserContext;
  open(): Promise<ChromiumTab>;
  /** Crashes the browser, and starts it again with the same profile. */
  crash(): Promise<void>;
}

export interface ChromiumTab extends Tab {
  readonly page: Page;
  /** A DevTools session of this page. */
  protocol(): Promise<CDPSession>;
}

/** Memory of a page in bytes. */
export interface PageMemory {
  /** JavaScript heap, without array buffers. */
  readonly heap: number;
  /** Resident memory of all page processes, array buffers and workers included. */
  readonly resident: number;
}

/** Measures memory while `work` runs. @returns the maximum above the value before */
export async function memoryOf(
  { context }: ChromiumUnderTest,
  tab: ChromiumTab,
  work: () => Promise<unknown>,
): Promise<PageMemory> {
  const session = await tab.protocol();
  const whole = await context.browser()!.newBrowserCDPSession();
  await session.send("Performance.enable");
  const measure = async (): Promise<PageMemory> => {
    const { metrics } = await session.send("Performance.getMetrics");
    const { processInfo } = await whole.send("SystemInfo.getProcessInfo");
    const pages = processInfo.filter(({ type }) => type === "renderer");
    const pageSize = 4096;
    const sizes = await Promise.all(
      pages.map(async ({ id }) => {
        // Field 2 is the resident set in pages (proc(5), statm). The process may have ended.
        const statm = await readFile(`/proc/${id}/statm`, "utf8").catch(() => "0 0");
        return Number(statm.split(" ")[1]) * pageSize;
      }),
    );
    return {
      heap: metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? Number.NaN,
      resident: sizes.reduce((sum, size) => sum + size, 0),
    };
  };
  const before = await measure();
  let max = { heap: 0, resident: 0 };
  let running = true;
  const watching = (async () => {
    while (running) {
      const { heap, resident } = await measure();
      max = {
        heap: Math.max(max.heap, heap - before.heap),
        resident: Math.max(max.resident, resident - before.resident),
      };
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  try {
    await work();
  } finally {
    running = false;
    await watching;
  }
  return max;
}

/** Starts Chromium with a fresh profile. */
export async function startChromium(origin: string): Promise<ChromiumUnderTest> {
  const profile = await mkdtemp(join(tmpdir(), "peekpack-chromium-"));
  const launch = (): Promise<BrowserContext> =>
    chromium.launchPersistentContext(profile, launchOptions(process.env.PEEKPACK_BROWSER));
  let context = await launch();
  return {
    get context() {
      return context;
    },
    async open() {
      const page = await context.newPage();
      await page.goto(origin);
      await page.waitForFunction(() => "peek" in globalThis);
      const { close, call } = tab(
        (name, args) => page.evaluate(([method, values]) => peek.call(method, values), [name, args] as const),
        () => page.close({ runBeforeUnload: false }),
      );
      return { page, close, call, protocol: () => context.newCDPSession(page) };
    },
    async crash() {
      const session = await context.browser()!.newBrowserCDPSession();
      await session.send("Browser.crash").catch(() => {});
      await context.close().catch(() => {});
      context = await launch();
    },
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

import { encodeArchive, mapOf, memorySink, NdArray, writeArchive } from "@peekpack/core";
import { type Browser, expect, type Page } from "@playwright/test";
import { forAllTests, test } from "../browser-test.js";
import { ExplorerPage } from "./explorer-page.js";
import { serveExplorer } from "./served-explorer.js";

const MILLION = 1_000_000;

/** A longer task is a pause that users notice. Of the processor: the clock counts other programs as well. */
const MAX_PAUSE_MS = 200;

/** A task of the page's own thread. */
interface Task {
  /** Milliseconds until it ended, while other programs may have run. */
  readonly wall: number;
  /** Milliseconds of the processor. */
  readonly own: number;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** Runs steps in a page. Prints the longest task of each, by the clock and by the processor's time, and bounds the latter. */
class Pauses {
  readonly #browser: Browser;
  readonly #page: Page;

  constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
  }

  async step(name: string, act: () => Promise<unknown>): Promise<void> {
    await this.#page.evaluate(() => {
      const seen = { longest: 0 };
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) seen.longest = Math.max(seen.longest, duration);
      }).observe({ type: "longtask" });
      Object.assign(window, { seen });
    });
    await this.#browser.startTracing(this.#page, { categories: ["toplevel", "__metadata"] });
    await act();
    // What the step has begun may go on.
    await this.#page.waitForTimeout(500);
    const trace = JSON.parse(String(await this.#browser.stopTracing())) as { traceEvents: TraceEvent[] };
    const tasks = tasksOf(trace.traceEvents);
    const longest = (of: keyof Task): number => Math.round(Math.max(0, ...tasks.map((task) => task[of])));
    const observed = await this.#page.evaluate(
      () => (window as unknown as { seen: { longest: number } }).seen.longest,
    );
    // A trace that was full misses the end of a step.
    const isWhole = longest("wall") >= observed * 0.8;
    const wall = `${Math.max(longest("wall"), observed)} ms`.padStart(8);
    const own = `${isWhole ? "" : "at least "}${longest("own")} ms`.padStart(17);
    console.log(`${name.padEnd(52)}${wall} by the clock${own} of the processor`);
    expect.soft(longest("own"), `${name}: ms of the processor`).toBeLessThan(MAX_PAUSE_MS);
  }
}

/** Microseconds between a task and the microtasks that belong to it. */
const NEXT_US = 1000;

/** The tasks of the main threads of pages. The microtasks after a task are a part of it: they block the page as well. */
function tasksOf(events: readonly TraceEvent[]): Task[] {
  const isMain = ({ name, args }: TraceEvent): boolean =>
    name === "thread_name" && args?.name === "CrRendererMain";
  return events.filter(isMain).flatMap(({ pid, tid }) => {
    const tasks: (Task & { readonly end: number })[] = [];
    const runs = events.filter(
      (event) =>
        event.ph === "X" &&
        event.pid === pid &&
        event.tid === tid &&
        /RunTask|PerformMicrotaskCheckpoint/.test(event.name),
    );
    for (const { name, ts, dur = 0, tdur = dur } of runs.sort((a, b) => a.ts - b.ts)) {
      const { wall, own, end } = tasks.at(-1) ?? { wall: 0, own: 0, end: 0 };
      // It is inside another one.
      if (ts < end) continue;
      const continues = /Checkpoint/.test(name) && ts < end + NEXT_US;
      if (continues) tasks.pop();
      tasks.push({
        wall: dur / 1000 + (continues ? wall : 0),
        own: tdur / 1000 + (continues ? own : 0),
        end: ts + dur,
      });
    }
    return tasks;
  });
}

// Only on request: it takes minutes.
if (process.env.PEEKPACK_LONG === "1") {
  const served = forAllTests(serveExplorer);
  test.describe.configure({ timeout: 600_000 });

  const opened = async (page: Page, name: string, bytes: Uint8Array): Promise<ExplorerPage> => {
    const explorer = new ExplorerPage(page);
    const url = await served().put(name, bytes);
    await page.goto(served().origin);
    await page.getByLabel("Address").fill(url);
    return explorer;
  };
  const open = (page: Page) => page.getByRole("button", { name: "Open", exact: true }).click();

  test("ten million numbers", async ({ browser, page }) => {
    const numbers = Float64Array.from({ length: 10 * MILLION }, (_, i) => Math.sin(i / 3e5));
    const bytes = encodeArchive({
      list: Array.from(numbers),
      array: new NdArray(numbers, [10 * MILLION]),
    });
    const explorer = await opened(page, "numbers.msglc", bytes);
    const pauses = new Pauses(browser, page);
    const plot = page.getByRole("img", { name: "10,000,000 numbers over their index" });
    const all = page.getByRole("button", { name: "Show all" });
    await pauses.step("10 M floats: open", async () => {
      await open(page);
      await explorer.tree.waitFor();
    });
    await pauses.step("10 M floats, a list: plot of a sample", async () => {
      await explorer.goTo("list");
      await page.getByText(/A sample: /).waitFor();
    });
    await pauses.step("10 M floats, a list: zoom by 2 in 8 steps", async () => {
      await plot.focus();
      for (let i = 0; i < 8; i++) await page.keyboard.press("+");
    });
    await pauses.step("10 M floats, a list: read all", async () => {
      await all.click();
      await page.getByRole("button", { name: /^Read all/ }).click();
      await page.getByText("All numbers were read.").waitFor({ timeout: 300_000 });
      await page.locator(".plot-facts").getByText("10,000,000").waitFor({ timeout: 120_000 });
    });
    await pauses.step("10 M floats, a list: zoom out and in, all read", async () => {
      await plot.focus();
      for (const key of ["+", "+", "-", "-", "-"]) await page.keyboard.press(key);
    });
    await pauses.step("10 M floats, an array: choose it", async () => {
      await explorer.goTo("array");
      await page
        .getByRole("button", { name: /^Read / })
        .or(plot)
        .first()
        .waitFor({ timeout: 120_000 });
    });
    await pauses.step("10 M floats, an array: read and plot", async () => {
      const read = page.getByRole("button", { name: /^Read / });
      if (await read.isVisible()) await read.click();
      await page.locator(".plot-facts").getByText("10,000,000").waitFor({ timeout: 200_000 });
    });
    await pauses.step("10 M floats, an array: zoom", async () => {
      await plot.focus();
      for (const key of ["+", "+", "-", "-"]) await page.keyboard.press(key);
    });
  });

  for (const numpy of ["rows", "pickle"] as const) {
    test(`an image of ten million numbers, in ${numpy === "rows" ? "rows" : "one piece"}`, async ({
      browser,
      page,
    }) => {
      const numbers = Float64Array.from({ length: 10 * MILLION }, (_, i) => Math.sin(i / 3e5));
      const bytes = encodeArchive({ image: new NdArray(numbers, [2500, 4000]) }, { numpy });
      const explorer = await opened(page, `${numpy}.msglc`, bytes);
      await open(page);
      await explorer.tree.waitFor();
      const pauses = new Pauses(browser, page);
      const name = `10 M floats, an image in ${numpy === "rows" ? "rows" : "one piece"}`;
      const image = page.getByRole("img", { name: "2,500 rows of 4,000 numbers as an image" });
      const read = page.getByRole("button", { name: /^Read / });
      await pauses.step(`${name}: choose it`, async () => {
        await explorer.goTo("image");
        // What is in one piece is read before its views are known.
        if (numpy === "rows") await page.getByRole("tab", { name: "Image" }).click();
        await read.waitFor({ timeout: 60_000 });
      });
      await pauses.step(`${name}: read and paint`, async () => {
        await read.click();
        await image.waitFor({ timeout: 200_000 });
        await page.locator(".plot-facts dd").first().waitFor({ timeout: 120_000 });
      });
      await pauses.step(`${name}: zoom, log scale`, async () => {
        await image.focus();
        for (const key of ["+", "+", "-", "-"]) await page.keyboard.press(key);
        await page.getByLabel("Log scale").check();
      });
    });
  }

  test("the demonstration", async ({ browser, page }) => {
    const explorer = new ExplorerPage(page);
    const pauses = new Pauses(browser, page);
    await page.goto(served().origin);
    await pauses.step("the demonstration: open", async () => {
      await page.getByRole("button", { name: "Try a generated one" }).click();
      await explorer.row("entries", 2).waitFor({ timeout: 60_000 });
    });
    for (const path of ["spectrum", "entries", "entries/run-00007/density", "summary"]) {
      await pauses.step(`the demonstration: ${path}`, async () => {
        await explorer.goTo(path);
        await page.waitForTimeout(1500);
      });
    }
    await pauses.step("the demonstration: one number of every entry", async () => {
      await explorer.goTo("entries/*/energy");
      await page.getByText("280 matches", { exact: true }).waitFor({ timeout: 60_000 });
    });
  });

  test("a million keys", async ({ browser, page }) => {
    const keys = function* (): Generator<[string, number]> {
      for (let i = 0; i < MILLION; i++) yield [`key-${String(i).padStart(7, "0")}`, i];
    };
    for (const pageIndex of [true, false]) {
      const memory = memorySink();
      await writeArchive(
        memory,
        { keys: mapOf(keys(), { count: MILLION }) },
        { pageIndex, smallObjectThreshold: 1, trivialSize: 0 },
      );
      const explorer = await opened(page, `million-${pageIndex}.msglc`, memory.bytes());
      const pauses = new Pauses(browser, page);
      const name = pageIndex ? "a million keys, a page index" : "a million keys, no page index";
      await pauses.step(`${name}: open`, async () => {
        await open(page);
        await explorer.row("keys", 2).waitFor({ timeout: 120_000 });
      });
      await pauses.step(`${name}: unfold`, async () => {
        await explorer.unfold("keys", 2);
        await explorer.row("key-0000003", 3).waitFor({ timeout: 60_000 });
      });
      await pauses.step(`${name}: scroll`, async () => {
        await explorer.tree.hover();
        for (let i = 0; i < 30; i++) await page.mouse.wheel(0, 4000);
        await explorer.tree.press("End");
        await explorer.row("key-0999999", 3).waitFor({ timeout: 60_000 });
      });
      await pauses.step(`${name}: go to a key`, async () => {
        await explorer.goTo("keys/key-0777777");
        await explorer.row("key-0777777", 3).waitFor({ timeout: 60_000 });
      });
      await pauses.step(`${name}: complete`, async () => {
        await explorer.search.fill("keys/key-00");
        await page.getByRole("option").first().waitFor();
      });
      await pauses.step(`${name}: search all keys`, async () => {
        await explorer.search.fill("0123");
        await explorer.search.press("Shift+Enter");
        const pause = page.getByRole("button", { name: "Continue" });
        await pause
          .or(page.getByText(/Searched: /))
          .first()
          .waitFor({ timeout: 200_000 });
      });
    }
  });
}

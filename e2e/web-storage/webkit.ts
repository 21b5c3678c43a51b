import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LocatedWebKit } from "@peekpack/testing/browser";
import type { Outcome } from "./page/main.js";
import { type BrowserUnderTest, type Feature, type Tab, tab } from "./tab.js";
import { fromJson, toJson } from "./typed-json.js";
import { beginSession, type WebDriverSession } from "./webdriver.js";

/** Options of {@link startWebKit}. */
export interface WebKitOptions {
  readonly located: Exclude<LocatedWebKit, { readonly absent: string }>;
  readonly origin: string;
  /** WebKit features to enable that are disabled by default. */
  readonly features?: readonly string[];
}

/** WebKitGTK's MiniBrowser, controlled over WebDriver on a virtual display. */
export interface WebKitUnderTest extends BrowserUnderTest {
  readonly version: string;
  readonly lacks: Readonly<Partial<Record<Feature, string>>>;
  /** Restarts the browser with the same data directories. */
  restart(): Promise<void>;
}

const POLL_MS = 25;

/** Starts WebKitGTK with fresh data directories. */
export async function startWebKit({
  located,
  origin,
  features = [],
}: WebKitOptions): Promise<WebKitUnderTest> {
  const profile = await mkdtemp(join(tmpdir(), "peekpack-webkit-"));
  const display = await startXvfb(located.xvfb);
  const port = await freePort();
  const driver = spawn(located.driver, [`--port=${port}`], {
    stdio: "ignore",
    env: {
      ...process.env,
      DISPLAY: display.name,
      GDK_BACKEND: "x11",
      // No graphics card, and no accessibility bus.
      LIBGL_ALWAYS_SOFTWARE: "1",
      WEBKIT_DISABLE_COMPOSITING_MODE: "1",
      NO_AT_BRIDGE: "1",
      XDG_CACHE_HOME: join(profile, "cache"),
      XDG_CONFIG_HOME: join(profile, "config"),
      XDG_DATA_HOME: join(profile, "data"),
    },
  });
  const close = async (): Promise<void> => {
    await ended(driver);
    await ended(display.process);
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  const begin = (): Promise<WebDriverSession> =>
    beginSession(`http://127.0.0.1:${port}`, {
      ...(features.length === 0
        ? {}
        : {
            "webkitgtk:browserOptions": {
              args: ["--automation", `--features=${features.map((name) => `+${name}`).join()}`],
            },
          }),
    });
  try {
    let session = await begin();
    const version = `WebKitGTK ${session.capabilities.browserVersion}`;
    let within = oneTabAtATime(session);
    const open = (): Promise<Tab> => openTab(session, within, origin);
    return {
      version,
      lacks: await lacking(version, open),
      open,
      async restart() {
        await session.end();
        session = await begin();
        within = oneTabAtATime(session);
      },
      async close() {
        await session.end().catch(() => {});
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Runs work in a tab. A WebDriver session has one current tab: work in other tabs waits. */
type Within = <T>(handle: string, work: () => Promise<T>) => Promise<T>;

function oneTabAtATime(session: WebDriverSession): Within {
  let last: Promise<unknown> = Promise.resolve();
  let current: string | undefined;
  return (handle, work) => {
    const next = last.then(async () => {
      if (handle !== current) await session.post("window", { handle });
      current = handle;
      return work();
    });
    last = next.catch(() => {
      current = undefined;
    });
    return next;
  };
}

/** Opens the page in a new tab. */
async function openTab(session: WebDriverSession, within: Within, origin: string): Promise<Tab> {
  // From the first tab, because the current one may be closed.
  const { handle } = await within(
    session.first,
    async () => (await session.post("window/new", { type: "tab" })) as { readonly handle: string },
  );
  const here = <T>(work: () => Promise<T>): Promise<T> => within(handle, work);
  const run = (script: string, args: readonly unknown[] = []): Promise<unknown> =>
    here(() => session.post("execute/sync", { script, args }));
  const until = async (script: string, args: readonly unknown[] = []): Promise<unknown> => {
    for (;;) {
      const value = await run(script, args);
      if (value !== null && value !== false) return value;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  await here(() => session.post("url", { url: origin }));
  await until("return 'peek' in globalThis");
  let calls = 0;
  return tab(
    async (name, args) => {
      const id = `${++calls}`;
      await run("peek.begin(...arguments)", [id, name, toJson(args)]);
      return fromJson((await until("return peek.take(...arguments)", [id])) as string) as Outcome<unknown>;
    },
    () => here(async () => void (await session.remove("window"))),
  );
}

/** The features that this version lacks, as a page reports them. */
async function lacking(
  version: string,
  open: () => Promise<Tab>,
): Promise<Readonly<Partial<Record<Feature, string>>>> {
  const names: Readonly<Record<string, string>> = {
    opfs: "the origin private file system",
    webLocks: "Web Locks",
    serviceWorkers: "service workers",
    estimate: "storage estimates",
  };
  const page = await open();
  const report = await page.call("features");
  await page.close();
  return Object.fromEntries(
    Object.entries(report).flatMap(([feature, problem]) =>
      problem === undefined ? [] : [[feature, `${version} lacks ${names[feature]}: ${problem}`]],
    ),
  );
}

async function startXvfb(xvfb: string): Promise<{ readonly process: ChildProcess; readonly name: string }> {
  // It chooses a free display, and prints its number when it is ready.
  const process = spawn(xvfb, ["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const printed = await Promise.race([
    once(process.stdout!, "data"),
    once(process, "exit").then(() => undefined),
  ]);
  if (printed === undefined) throw new Error(`${xvfb} ended at once`);
  return { process, name: `:${String(printed[0]).trim()}` };
}

async function ended(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const exit = once(process, "exit");
  process.kill();
  await exit;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

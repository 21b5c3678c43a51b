import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LocatedWebKit } from "@peekpack/testing/browser";
import { fromJson, toJson } from "./carried-json.js";
import type { Outcome } from "./page/main.js";
import { type BrowserUnderTest, type Feature, type Tab, tab } from "./tab.js";
import { beginSession, type WebDriverSession } from "./webdriver.js";

/** How WebKitGTK is started. */
export interface WebKitOptions {
  readonly located: Exclude<LocatedWebKit, { readonly absent: string }>;
  readonly origin: string;
  /** Features that are off by default and are switched on, by WebKit's names. */
  readonly features?: readonly string[];
}

/** WebKitGTK's MiniBrowser, driven over WebDriver on a display that nobody sees. */
export interface WebKitUnderTest extends BrowserUnderTest {
  readonly version: string;
  readonly lacks: Readonly<Partial<Record<Feature, string>>>;
  /** Ends the browser and starts it again, with the same directories for its data. */
  restart(): Promise<void>;
}

const POLL_MS = 25;

/** Starts WebKitGTK with fresh directories. */
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
      // There is no graphics card, and no bus that serves people who cannot see the screen.
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
    let within = inTurn(session);
    const open = (): Promise<Tab> => openTab(session, within, origin);
    return {
      version,
      lacks: await lacking(version, open),
      open,
      async restart() {
        await session.end();
        session = await begin();
        within = inTurn(session);
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

/** Works in one tab at a time, as a session does; whatever is to be done in another waits for its turn. */
type Within = <T>(handle: string, work: () => Promise<T>) => Promise<T>;

function inTurn(session: WebDriverSession): Within {
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
  // From the first, as the one that it worked in last may be closed.
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

/** What this version lacks, as a page of it finds out. */
async function lacking(
  version: string,
  open: () => Promise<Tab>,
): Promise<Readonly<Partial<Record<Feature, string>>>> {
  const names: Readonly<Record<string, string>> = {
    opfs: "the origin private file system",
    webLocks: "Web Locks",
    serviceWorkers: "service workers",
    estimate: "estimates of the room that there is",
  };
  const page = await open();
  const report = await page.call("features");
  await page.close();
  return Object.fromEntries(
    Object.entries(report).flatMap(([feature, wrong]) =>
      wrong === undefined ? [] : [[feature, `${version} lacks ${names[feature]}: ${wrong}`]],
    ),
  );
}

async function startXvfb(xvfb: string): Promise<{ readonly process: ChildProcess; readonly name: string }> {
  // It takes a display that is free, and says which when it is ready.
  const process = spawn(xvfb, ["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const said = await Promise.race([
    once(process.stdout!, "data"),
    once(process, "exit").then(() => undefined),
  ]);
  if (said === undefined) throw new Error(`${xvfb} ends at once`);
  return { process, name: `:${String(said[0]).trim()}` };
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

import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type BrowserType, chromium, type LaunchOptions } from "playwright";
import { findOnPath } from "../s3/locate.js";

const run = promisify(execFile);

/** Names under which distributions and Google install it. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const INSTALL_MS = 10 * 60 * 1000;
const LAUNCH_MS = 60_000;

/**
 * A Chromium that was seen to start; or in words why there is none. `executable` is absent for the browser that
 * Playwright itself installs and finds.
 */
export type LocatedBrowser =
  | {
      readonly executable?: string;
      readonly version: string;
      readonly how: string;
      readonly absent?: undefined;
    }
  | { readonly absent: string };

export interface LocateBrowserOptions {
  /** Whether Playwright may fetch its own build, over 100 MB, where no other is there. Default false. */
  readonly install?: boolean | undefined;
  /** Takes one line a time. */
  readonly log?: ((line: string) => void) | undefined;
}

/** How every test here starts Chromium: with nothing of its own on the network, and without a sandbox as root, who has none. */
export function launchOptions(executable: string | undefined): LaunchOptions {
  return {
    ...(executable === undefined ? {} : { executablePath: executable }),
    args: [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  };
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n").find((line) => line.trim() !== "") ??
  "";

/** Starts it once: a name on PATH may be a stub, and a build without its system libraries is none. */
async function tryLaunch(
  type: BrowserType,
  executable: string | undefined,
  how: string,
): Promise<LocatedBrowser> {
  try {
    const browser = await type.launch({ ...launchOptions(executable), timeout: LAUNCH_MS });
    const version = browser.version();
    await browser.close();
    return { ...(executable === undefined ? {} : { executable }), version, how };
  } catch (error) {
    return { absent: `${executable ?? "Playwright's Chromium"} does not start: ${firstLine(error)}` };
  }
}

async function install(): Promise<string | undefined> {
  const cli = join(dirname(createRequire(import.meta.url).resolve("playwright/package.json")), "cli.js");
  try {
    await run(process.execPath, [cli, "install", "chromium"], { timeout: INSTALL_MS });
    return undefined;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    const lines = `${stdout}\n${stderr}`.split("\n");
    const line = lines.findLast((text) => text.startsWith("Error:")) ?? firstLine(error);
    return line.replace(/^Error: /, "");
  }
}

/**
 * Finds a Chromium that starts: PEEKPACK_BROWSER, PATH, what Playwright has installed, and with `install` what Playwright
 * can fetch now.
 * @throws Error when PEEKPACK_BROWSER names one that does not start
 */
export async function locateBrowser(options: LocateBrowserOptions = {}): Promise<LocatedBrowser> {
  const log = options.log ?? (() => {});
  const named = process.env.PEEKPACK_BROWSER;
  if (named) {
    const found = await tryLaunch(chromium, named, "PEEKPACK_BROWSER names it");
    if (found.absent !== undefined) throw new Error(`PEEKPACK_BROWSER is set, but ${found.absent}`);
    return found;
  }
  const reasons: string[] = [];
  for (const name of NAMES) {
    const executable = await findOnPath(name);
    if (executable === undefined) continue;
    const found = await tryLaunch(chromium, executable, `${name} is on PATH`);
    if (found.absent === undefined) return found;
    reasons.push(found.absent);
  }
  if (reasons.length === 0) reasons.push(`PATH has none of ${NAMES.join(", ")}`);
  const own = await tryLaunch(chromium, undefined, "Playwright has installed it");
  if (own.absent === undefined || !options.install) {
    return own.absent === undefined
      ? own
      : { absent: [...reasons, "Playwright has installed none"].join("; ") };
  }
  log("fetching Chromium with Playwright: once, over 100 MB");
  const refused = await install();
  if (refused !== undefined) {
    return { absent: [...reasons, `Playwright cannot fetch Chromium: ${refused}`].join("; ") };
  }
  const fetched = await tryLaunch(chromium, undefined, "Playwright has just installed it");
  return fetched.absent === undefined ? fetched : { absent: [...reasons, fetched.absent].join("; ") };
}

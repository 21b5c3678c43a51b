import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type BrowserType, chromium, type LaunchOptions } from "playwright";
import { findOnPath } from "../programs/program.js";

const run = promisify(execFile);

/** Program names of Chromium and Chrome. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const INSTALL_MS = 10 * 60 * 1000;
const LAUNCH_MS = 60_000;

/**
 * A Chromium that starts, or the reason why it is absent. `executable` is absent for the browser that Playwright
 * installed.
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
  /** Whether Playwright may download its build (over 100 MB) if no other is found. Default false. */
  readonly install?: boolean | undefined;
  /** Receives progress, one line per call. */
  readonly log?: ((line: string) => void) | undefined;
}

/** Launch options of all tests: no background traffic, and no sandbox for root, for whom Chromium has none. */
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

/** Launches it once: a program on PATH may be a stub, and system libraries may be missing. */
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
 * Finds a Chromium that starts: PEEKPACK_BROWSER, PATH, Playwright's installed build, and with `install` a new download.
 * @throws Error if PEEKPACK_BROWSER names one that does not start
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
  log("downloading Chromium with Playwright: over 100 MB, once");
  const refused = await install();
  if (refused !== undefined) {
    return { absent: [...reasons, `Playwright cannot download Chromium: ${refused}`].join("; ") };
  }
  const fetched = await tryLaunch(chromium, undefined, "Playwright has just installed it");
  return fetched.absent === undefined ? fetched : { absent: [...reasons, fetched.absent].join("; ") };
}

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findOnPath } from "../programs/program.js";

const run = promisify(execFile);

/** WebKitGTK's driver and a virtual display, or the reason why one is absent. */
export type LocatedWebKit =
  | {
      /** Path of WebKitWebDriver, which starts its browser. */
      readonly driver: string;
      readonly xvfb: string;
      readonly how: string;
      readonly absent?: undefined;
    }
  | { readonly absent: string };

/** Finds WebKitWebDriver (PEEKPACK_WEBKIT, else on PATH) and Xvfb: WebKitGTK has no headless mode. */
export async function locateWebKit(): Promise<LocatedWebKit> {
  const named = process.env.PEEKPACK_WEBKIT;
  const driver = named || (await findOnPath("WebKitWebDriver"));
  if (driver === undefined) return { absent: "PATH has no WebKitWebDriver" };
  try {
    await run(driver, ["--help"]);
  } catch {
    return { absent: `${named ? "the program that PEEKPACK_WEBKIT names" : driver} does not run` };
  }
  const xvfb = await findOnPath("Xvfb");
  if (xvfb === undefined) return { absent: "PATH has no Xvfb, and WebKitGTK needs a display" };
  return { driver, xvfb, how: named ? "PEEKPACK_WEBKIT names it" : "WebKitWebDriver is on PATH" };
}

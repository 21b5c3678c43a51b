import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findOnPath } from "../s3/locate.js";

const run = promisify(execFile);

/** The driver of WebKitGTK, and what shows its windows to nobody; or in words why there is none. */
export type LocatedWebKit =
  | {
      /** WebKitWebDriver, which knows the browser that belongs to it. */
      readonly driver: string;
      readonly xvfb: string;
      readonly how: string;
      readonly absent?: undefined;
    }
  | { readonly absent: string };

/** Finds WebKitGTK's driver: PEEKPACK_WEBKIT, else WebKitWebDriver on PATH; and Xvfb, as WebKitGTK has no mode without a display. */
export async function locateWebKit(): Promise<LocatedWebKit> {
  const named = process.env.PEEKPACK_WEBKIT;
  const driver = named || (await findOnPath("WebKitWebDriver"));
  if (driver === undefined) return { absent: "PATH has no WebKitWebDriver" };
  try {
    await run(driver, ["--help"]);
  } catch {
    return { absent: `${named ? "what PEEKPACK_WEBKIT names" : driver} does not run` };
  }
  const xvfb = await findOnPath("Xvfb");
  if (xvfb === undefined) return { absent: "PATH has no Xvfb, and WebKitGTK needs a display" };
  return { driver, xvfb, how: named ? "PEEKPACK_WEBKIT names it" : "WebKitWebDriver is on PATH" };
}

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findOnPath } from "../programs/program.js";

const run = promisify(execFile);

/** A Firefox, or the reason why it is absent. */
export type LocatedFirefox =
  | {
      readonly executable: string;
      readonly version: string;
      readonly how: string;
      readonly absent?: undefined;
    }
  | { readonly absent: string };

/** Finds Firefox: PEEKPACK_FIREFOX, else firefox-esr or firefox on PATH. */
export async function locateFirefox(): Promise<LocatedFirefox> {
  const named = process.env.PEEKPACK_FIREFOX;
  const names = named ? [named] : ["firefox-esr", "firefox"];
  for (const name of names) {
    const executable = named ? name : await findOnPath(name);
    if (executable === undefined) continue;
    try {
      const version = (await run(executable, ["--version"])).stdout.trim();
      return { executable, version, how: named ? "PEEKPACK_FIREFOX names it" : `${name} is on PATH` };
    } catch {
      // A stub: try the next name.
    }
  }
  return {
    absent: named ? "PEEKPACK_FIREFOX names no Firefox that starts" : `PATH has none of ${names.join(", ")}`,
  };
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "../record.js";

/** Results of benchmarks by name. */
export type Results = Readonly<Record<string, Result>>;

/** Reads every result of a folder. Of several results of one benchmark, the newest counts. */
export function readResults(folder: string): Results {
  const newest: Record<string, Result> = {};
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith(".json") || file.endsWith(".tmp.json")) continue;
    const results = JSON.parse(readFileSync(join(folder, file), "utf8")) as Results;
    for (const [name, result] of Object.entries(results)) {
      if (!((newest[name]?.circumstances.at ?? "") > result.circumstances.at)) newest[name] = result;
    }
  }
  return newest;
}

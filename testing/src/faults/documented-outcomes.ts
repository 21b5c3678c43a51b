import { readFile } from "node:fs/promises";

/** The documented outcome of a fault: `right value` or an error code. */
export interface DocumentedOutcome {
  /** If one request meets the fault. */
  readonly once: string;
  /** If every request meets it while the archive is opened. */
  readonly opening: string;
  /** If every request meets it once the archive is open. */
  readonly reading: string;
}

/** Reads the table of faults and outcomes in core's README. */
export async function documentedOutcomes(): Promise<ReadonlyMap<string, DocumentedOutcome>> {
  const text = await readFile(new URL("../../../packages/core/README.md", import.meta.url), "utf8");
  const [, table = ""] = text.split("| Fault | Once | Always while opening | Always once open |\n");
  const rows = new Map<string, DocumentedOutcome>();
  for (const line of table.split("\n").slice(1)) {
    const [, name, once, opening, reading] = line.split("|").map((cell) => cell.trim().replaceAll("`", ""));
    if (name === undefined || once === undefined || opening === undefined || reading === undefined) break;
    rows.set(name, { once, opening, reading });
  }
  return rows;
}

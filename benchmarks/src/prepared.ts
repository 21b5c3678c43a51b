import { existsSync } from "node:fs";
import { join } from "node:path";
import { Contestant } from "./contestant.js";
import type { DataSetName } from "./data-sets.js";

/** Input files of contestants. */
export interface Prepared {
  /** The archive of a data set. */
  readonly archive: string;
  /** Its data alone, for a codec's own decoder. */
  readonly data: string;
  /** Its table alone. */
  readonly table: string;
}

/**
 * Runs a job once in a child process.
 * @param job of jobs/preparing.ts, or "FILE/NAME"
 * @param python to run a job of a Python file with
 */
export async function prepare(job: string, parameters: object, python?: string): Promise<void> {
  const contestant = await Contestant.start({
    name: "preparation",
    job: job.includes("/") ? job : `preparing/${job}`,
    parameters,
    python,
  });
  try {
    await contestant.lap(1);
  } finally {
    await contestant.close();
  }
}

/** Writes the input files of a data set unless they exist. */
export async function prepared(
  scratch: string,
  data: DataSetName | "nodes" | "nodes-flat" | "column",
  codec: "msgpack" | "cbor",
): Promise<Prepared> {
  const at = (name: string): string => join(scratch, `${data}.${codec}.${name}`);
  const files = { archive: at("archive"), data: at("data"), table: at("table") };
  if (!existsSync(files.archive)) await prepare("archive", { dataSet: data, codec, ...files });
  return files;
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { Contestant } from "./contestant.js";
import type { DataSetName } from "./data-sets.js";

/** Files that contestants start from. */
export interface Prepared {
  /** An archive of the data set, as encodeArchive makes it. */
  readonly archive: string;
  /** Its data alone: what a codec's own decoder reads. */
  readonly data: string;
  /** Its table alone. */
  readonly table: string;
}

/** Runs a job of jobs/preparing.ts once, in a process of its own. */
export async function prepare(job: string, parameters: object): Promise<void> {
  const contestant = await Contestant.start({ name: "preparation", job: `preparing/${job}`, parameters });
  try {
    await contestant.lap(1);
  } finally {
    await contestant.close();
  }
}

/** Writes the archive of a data set, and its pieces, unless they are there. */
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

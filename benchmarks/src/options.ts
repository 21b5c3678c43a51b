import { parseArgs } from "node:util";
import { DATA_SET_NAMES, type DataSetName } from "./data-sets.js";

/** What the command was asked for. */
export interface BenchOptions {
  /** Names of benchmarks; all when empty. */
  readonly only: readonly string[];
  readonly data: readonly DataSetName[];
  readonly rounds: number;
  readonly streamBytes: number;
  /** Where the figures are kept. Absent: benchmarks/results/latest.json. */
  readonly out: string | undefined;
}

/** What the command takes. */
export const USAGE: string = `npm run bench -- [options]
  --only NAME,…     some benchmarks: see the list below
  --data NAME,…     some data sets: ${DATA_SET_NAMES.join(", ")}
  --rounds N        laps of each contestant that count (default 7)
  --size SIZE       of the stream that is written to S3: 1GiB (default), 8GiB, 256MiB
  --out FILE        where the figures are kept (default benchmarks/results/latest.json)`;

/** The command's options. @throws TypeError with what is wrong with them */
export function parseOptions(args: readonly string[], names: readonly string[]): BenchOptions | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h" },
      only: { type: "string", multiple: true },
      data: { type: "string", multiple: true },
      rounds: { type: "string" },
      size: { type: "string" },
      out: { type: "string" },
    },
  });
  if (values.help === true) return "help";
  const list = <T extends string>(given: readonly string[] | undefined, known: readonly T[]): T[] =>
    (given ?? [])
      .flatMap((text) => text.split(","))
      .map((name) => {
        if (!known.includes(name as T)) throw new TypeError(`There is no "${name}": ${known.join(", ")}.`);
        return name as T;
      });
  const rounds = Number(values.rounds ?? 7);
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new TypeError("--rounds is a positive integer.");
  return {
    only: list(values.only, names),
    data: values.data === undefined ? DATA_SET_NAMES : list(values.data, DATA_SET_NAMES),
    rounds,
    streamBytes: parseSize(values.size ?? "1GiB"),
    out: values.out,
  };
}

/** "8GiB" in bytes. */
function parseSize(text: string): number {
  const match = /^(\d+)([KMG]iB)$/.exec(text);
  if (match === null) throw new TypeError("--size is a number of KiB, MiB or GiB: 8GiB.");
  return Number(match[1]) * 1024 ** ("KMG".indexOf(match[2]![0]!) + 1);
}

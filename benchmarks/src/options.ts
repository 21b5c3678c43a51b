import { parseArgs } from "node:util";
import { DATA_SET_NAMES, type DataSetName } from "./data-sets.js";

/** Parsed command line. */
export interface BenchOptions {
  /** Names of benchmarks; empty means all. */
  readonly only: readonly string[];
  readonly data: readonly DataSetName[];
  readonly rounds: number;
  readonly streamBytes: number;
  /** File of the results. Default: benchmarks/results/latest.json. */
  readonly out: string | undefined;
}

/** Usage of the command. */
export const USAGE: string = `npm run bench -- [NAME…] [options]
  NAME              a benchmark of the list below; default: all
  --data NAME,…     data sets: ${DATA_SET_NAMES.join(", ")}; default: all
  --rounds N        measured laps of each contestant (default 7)
  --size SIZE       size of the streams that are written: 1GiB (default), 8GiB, 256MiB
  --out FILE        file of the results (default benchmarks/results/latest.json)`;

/** Parses the command line. @throws TypeError for wrong usage */
export function parseOptions(args: readonly string[], names: readonly string[]): BenchOptions | "help" {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h" },
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
        if (!known.includes(name as T))
          throw new TypeError(`There is no "${name}", only ${known.join(", ")}.`);
        return name as T;
      });
  const rounds = Number(values.rounds ?? 7);
  if (!Number.isSafeInteger(rounds) || rounds < 1)
    throw new TypeError("--rounds must be a positive integer.");
  return {
    only: list(positionals, names),
    data: values.data === undefined ? DATA_SET_NAMES : list(values.data, DATA_SET_NAMES),
    rounds,
    streamBytes: parseSize(values.size ?? "1GiB"),
    out: values.out,
  };
}

/** Parses a size such as "8GiB". */
function parseSize(text: string): number {
  const match = /^(\d+)([KMG]iB)$/.exec(text);
  if (match === null) throw new TypeError("--size must be a number of KiB, MiB or GiB, such as 8GiB.");
  return Number(match[1]) * 1024 ** ("KMG".indexOf(match[2]![0]!) + 1);
}

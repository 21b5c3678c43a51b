import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { randomNumbers } from "@peekpack/testing";

export type DataSetName = "browser-compat-data" | "numeric" | "small-records";

/** The data of the benchmarks. */
export const DATA_SETS: Readonly<Record<DataSetName, () => unknown>> = {
  /** A real document from an npm package: nested maps, mostly strings, more than 15,000 keys. */
  "browser-compat-data": (): unknown => {
    const main = createRequire(import.meta.url).resolve("@mdn/browser-compat-data");
    return JSON.parse(readFileSync(join(dirname(main), "data.json"), "utf8"));
  },
  /** 300,000 floats, a matrix of 500 × 1,000 floats, 5,000 records of numbers. */
  numeric: (): unknown => {
    const random = randomNumbers(1);
    const floats = (count: number): number[] => Array.from({ length: count }, () => random() * 200 - 100);
    return {
      floats: floats(300_000),
      matrix: Array.from({ length: 500 }, () => floats(1000)),
      records: Array.from({ length: 5000 }, (_, id) => ({
        id,
        position: floats(3),
        charge: Math.floor(random() * 5) - 2,
        energy: -random() * 1e5,
        forces: floats(3),
        converged: random() < 0.9,
      })),
    };
  },
  /** A million records of four fields. Each has a node: the table is a third as long as the data. */
  "small-records": (): unknown => {
    const random = randomNumbers(2);
    return Array.from({ length: 1_000_000 }, (_, id) => ({
      id,
      name: `item-${Math.floor(random() * 1e6)}`,
      value: random(),
      ok: random() < 0.5,
    }));
  },
};

export const DATA_SET_NAMES: readonly DataSetName[] = Object.keys(DATA_SETS) as DataSetName[];

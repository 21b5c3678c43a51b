import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  combineArchives,
  decodeHeader,
  type EncodeOptions,
  encodeArchive,
  HEADER_SIZE,
  memorySink,
} from "@peekpack/core";
import { randomNumbers } from "@peekpack/testing";
import { DATA_SETS } from "../data-sets.js";
import { record } from "../formats/values.js";
import type { Job, Jobs } from "../job.js";

/** Data for single benchmarks. */
const SPECIAL: Readonly<Record<string, { readonly make: () => unknown; readonly options?: EncodeOptions }>> =
  {
    /** A million leaves in a thousand maps. */
    nodes: {
      make: () =>
        Object.fromEntries(
          Array.from({ length: 1000 }, (_, group) => [
            `group-${group}`,
            Object.fromEntries(
              Array.from({ length: 1000 }, (_, id) => [`entry-${id}`, record(group * 1000 + id)]),
            ),
          ]),
        ),
    },
    /** A million leaves in one map. */
    "nodes-flat": {
      make: () =>
        Object.fromEntries(Array.from({ length: 1_000_000 }, (_, id) => [`entry-${id}`, record(id)])),
    },
    /** A list of a million floats. */
    column: {
      make: () => {
        const random = randomNumbers(3);
        return { column: Array.from({ length: 1_000_000 }, () => random() * 200 - 100) };
      },
    },
  };

interface ArchiveFiles {
  readonly dataSet: string;
  readonly codec: "msgpack" | "cbor";
  readonly archive: string;
  readonly data: string;
  readonly table: string;
}

export const jobs: Jobs = {
  /** Writes an archive, and separately its data and its table. */
  archive({ dataSet, codec, archive, data, table }: ArchiveFiles): Job {
    const { make, options = {} } = SPECIAL[dataSet] ?? {
      make: DATA_SETS[dataSet as keyof typeof DATA_SETS],
    };
    return {
      run() {
        const bytes = encodeArchive(make(), { ...options, codec });
        const { tocStart, tocSize } = decodeHeader(bytes, bytes.length);
        const origin = HEADER_SIZE + tocStart;
        writeFileSync(archive, bytes);
        writeFileSync(data, bytes.subarray(HEADER_SIZE, origin));
        writeFileSync(table, bytes.subarray(origin, origin + tocSize));
      },
    };
  },
  /** Writes an archive for each entry of a map in browser-compat-data, and the combined archive. */
  children({ directory, under }: { readonly directory: string; readonly under: string | undefined }): Job {
    return {
      async run() {
        const whole = DATA_SETS["browser-compat-data"]() as Record<string, Record<string, unknown>>;
        const map = under === undefined ? whole : whole[under]!;
        const children = Object.entries(map).map(([name, value], i) => {
          const file = join(directory, `${i}.archive`);
          writeFileSync(file, encodeArchive(value));
          return { name, file };
        });
        const sink = memorySink();
        await combineArchives(
          sink,
          children.map(({ name, file }) => ({ name, source: new Uint8Array(readFileSync(file)) })),
        );
        writeFileSync(join(directory, "combined.archive"), sink.bytes());
        writeFileSync(join(directory, "children.json"), JSON.stringify(children));
      },
    };
  },
  /** Writes an archive of one byte string. */
  bytes({ file, size }: { readonly file: string; readonly size: number }): Job {
    return { run: () => writeFileSync(file, encodeArchive(new Uint8Array(size).fill(7))) };
  },
};

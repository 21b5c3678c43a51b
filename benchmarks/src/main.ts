import { mkdtempSync, rmSync } from "node:fs";
import { access, constants } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { livePython } from "@peekpack/testing/python";
import type { Benchmark } from "./benchmark.js";
import { coldLeaf, fiftySubtrees } from "./cases/cold-reads.js";
import { column } from "./cases/column.js";
import { append, combine, repack } from "./cases/combine.js";
import { compress, compressed, compressedStream } from "./cases/compression.js";
import { decode, decodeCbor } from "./cases/decode.js";
import { encode, encodeCbor, encodeIndexed } from "./cases/encode.js";
import { coldFormats } from "./cases/formats.js";
import { queries } from "./cases/queries.js";
import { millionNodes } from "./cases/table.js";
import { valueCost } from "./cases/value-cost.js";
import { serverAppend, upload } from "./cases/write.js";
import { type BenchOptions, parseOptions, USAGE } from "./options.js";
import { PYTHON_PEERS } from "./python-peers.js";
import { keepResults, noteCircumstances, type Result } from "./record.js";
import { tableText } from "./report.js";
import type { Row } from "./row.js";

const BENCHMARKS: readonly Benchmark[] = [
  encode,
  encodeCbor,
  encodeIndexed,
  decode,
  decodeCbor,
  repack,
  combine,
  append,
  millionNodes,
  column,
  coldLeaf,
  fiftySubtrees,
  coldFormats,
  queries,
  valueCost,
  compress,
  compressed,
  compressedStream,
  upload,
  serverAppend,
];

/** A directory in memory if the system has one: benchmarks must not measure disks. */
async function scratchParent(): Promise<string> {
  try {
    await access("/dev/shm", constants.W_OK);
    return "/dev/shm";
  } catch {
    return tmpdir();
  }
}

async function run({ only, data, rounds, streamBytes, out }: BenchOptions): Promise<void> {
  const python = await livePython();
  if (python.absent !== undefined) console.log(`SKIPPED: all comparisons with msglc: ${python.absent}`);
  const file = out ?? fileURLToPath(new URL("../results/latest.json", import.meta.url));
  const scratch = mkdtempSync(join(await scratchParent(), "peekpack-bench-"));
  let missed = 0;
  try {
    for (const benchmark of BENCHMARKS) {
      if (only.length > 0 && !only.includes(benchmark.name)) continue;
      console.log(`\n${benchmark.name}: ${benchmark.what}`);
      const circumstances = noteCircumstances(
        python.absent === undefined ? { ...python.versions, ...PYTHON_PEERS } : undefined,
      );
      const rows: Row[] = [];
      const skipped: string[] = [];
      await benchmark.run({
        rounds,
        data,
        scratch,
        python: python.absent === undefined ? python.python : undefined,
        streamBytes,
        log: (line) => console.log(`  ${line}`),
        row: (row) => rows.push(row),
        skip(what) {
          skipped.push(what);
          console.log(`  SKIPPED: ${what}`);
        },
      });
      console.log(tableText(rows));
      missed += rows.filter(({ met }) => met === false).length;
      const result: Result = {
        what: benchmark.what,
        rounds,
        circumstances: circumstances(),
        rows,
        skipped,
      };
      keepResults(file, { [benchmark.name]: result });
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  console.log(missed === 0 ? "\nAll goals were met." : `\nGoals missed: ${missed}.`);
}

// The SDK's warning about Node's version would interrupt the table.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
const names = BENCHMARKS.map(({ name }) => name);
try {
  const options = parseOptions(process.argv.slice(2), names);
  if (options === "help") {
    console.log(USAGE);
    for (const { name, what } of BENCHMARKS) console.log(`  ${name.padEnd(16)}  ${what}`);
  } else {
    await run(options);
  }
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}

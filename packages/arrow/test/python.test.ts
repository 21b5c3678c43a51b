import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { livePython, runPython, skippedAsAbsent } from "@peekpack/testing";
import { afterAll, describe, expect, it } from "vitest";
import { ipcFile, ipcStream, recordBatches } from "../src/index.js";

const live = await livePython();
const versions = live.absent === undefined ? live.versions : {};
const missing = live.absent ?? (versions.pyarrow === undefined ? "pyarrow is not installed" : undefined);
const noDuckdb = missing ?? (versions.duckdb === undefined ? "duckdb is not installed" : undefined);

const entries = Array.from({ length: 1000 }, (_, i) => ({
  name: i % 7 === 0 ? null : `entry ${i} ⚛`,
  gap: i / 4,
  ok: i % 3 === 0,
  steps: i % 5 === 0 ? [] : [i, i + 0.5],
  id: 2n ** 60n + BigInt(i),
  cell: { a: i, b: `b${i}` },
}));
const plain = JSON.parse(
  JSON.stringify(entries, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value)),
) as unknown[];

const folder = await mkdtemp(join(tmpdir(), "peekpack-arrow-"));
afterAll(() => rm(folder, { recursive: true }));

async function written(name: string, write: typeof ipcFile): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of write(recordBatches(entries, { batchRows: 300 }))) chunks.push(chunk);
  const file = join(folder, name);
  await writeFile(file, Buffer.concat(chunks));
  return file;
}

const PRINT = `
import json
def show(rows):
    for row in rows: row["id"] = str(row["id"])
    print(json.dumps(rows))
`;

describe.skipIf(skippedAsAbsent("pyarrow", missing))("pyarrow", () => {
  it("reads a file batch by batch, and its values are equal", async () => {
    const out = await runPython(
      `import sys, pyarrow as pa\n${PRINT}\nwith pa.ipc.open_file(sys.argv[1]) as f:\n    f.read_all().validate(full=True)\n    assert f.num_record_batches == 4\n    show([row for i in range(4) for row in f.get_batch(i).to_pylist()])`,
      { args: [await written("a.arrow", ipcFile)] },
    );
    expect(JSON.parse(out)).toEqual(plain);
  }, 180_000);

  it("reads a stream, and its values are equal", async () => {
    const out = await runPython(
      `import sys, pyarrow as pa\n${PRINT}\ntable = pa.ipc.open_stream(open(sys.argv[1], "rb")).read_all()\ntable.validate(full=True)\nshow(table.to_pylist())`,
      { args: [await written("a.arrows", ipcStream)] },
    );
    expect(JSON.parse(out)).toEqual(plain);
  }, 180_000);
});

describe.skipIf(skippedAsAbsent("DuckDB", noDuckdb))("DuckDB", () => {
  it("queries a file through pyarrow", async () => {
    const out = await runPython(
      `import sys, json, duckdb, pyarrow as pa\nrows = pa.ipc.open_file(sys.argv[1]).read_all()\nprint(json.dumps(duckdb.sql("select count(*), sum(gap), max(cell.a), count(name) from rows").fetchall()[0]))`,
      { args: [await written("b.arrow", ipcFile)] },
    );
    expect(JSON.parse(out)).toEqual([1000, 124_875, 999, 857]);
  }, 180_000);
});

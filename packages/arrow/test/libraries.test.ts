import { createRequire } from "node:module";
import { encodeArchive, encodeNumpyPickle, NdArray, openArchive } from "@peekpack/core";
import { query } from "@peekpack/jsonpath";
import * as aq from "arquero";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ipcStream,
  recordBatches,
  rowsOf,
  type TableOptions,
  type TableSource,
  toTable,
} from "../src/index.js";

const ROWS = 1000;
const EPOCH = 1_700_000_000_000;

const entries = Array.from({ length: ROWS }, (_, i) => ({
  name: i % 7 === 0 ? null : `entry ${i} ⚛`,
  gap: i / 4,
  ok: i % 3 === 0,
  steps: i % 5 === 0 ? [] : [i, i + 0.5],
  id: 2n ** 60n + BigInt(i),
  at: new Date(EPOCH + i),
  cell: { a: i, b: `b${i}` },
  bytes: Uint8Array.of(i & 255, 1),
}));
const floats = Array.from({ length: 3000 }, (_, i) => i / 8);
const matrix = Float32Array.from({ length: 60 }, (_, i) => i / 2);

const archive = await openArchive(
  encodeArchive({
    entries,
    floats,
    matrix: encodeNumpyPickle(new NdArray(matrix, [20, 3])),
    named: { one: { gap: 1 }, two: { gap: 2 } },
  }),
  { numpy: true },
);
const found = () => rowsOf(query(archive, "$.entries[?@.gap >= 249.5]"), "path");

const streamOf = async (source: TableSource, options?: TableOptions): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of ipcStream(recordBatches(source, options))) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
};

/** A value in the types of the archive: vectors and rows of a library become lists and plain objects. */
const plain = (value: unknown): unknown => {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array || value instanceof Date) {
    return value;
  }
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value as Iterable<unknown>, plain);
  if ("toArray" in value) return plain((value.toArray as () => unknown)());
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
};

describe("Arquero", () => {
  const frameOf = (of: unknown, options = {}) => aq.fromArrow(of as never, { useProxy: false, ...options });

  it.each(["a table", "an IPC stream"])("reads %s, and its values are equal", async (kind) => {
    const options = { path: "entries", batchRows: 300 };
    const of = kind === "a table" ? await toTable(archive, options) : await streamOf(archive, options);
    const frame = frameOf(of, { useBigInt: true, useDate: true });
    expect(frame.columnNames()).toEqual(Object.keys(entries[0]!));
    expect(frame.objects({ limit: Number.POSITIVE_INFINITY }).map(plain)).toEqual(entries);
  });

  it("filters, joins and aggregates what a query found", async () => {
    const frame = frameOf(await toTable(found()));
    expect(frame.rollup({ sum: aq.op.sum("gap") } as never).object()).toEqual({ sum: 249.5 + 249.75 });
    const named = frameOf(await toTable(archive, { path: "named" }));
    const labels = aq.table({ key: ["one", "two"], label: ["I", "II"] });
    expect(named.join(labels, "key").objects()).toEqual([
      { key: "one", gap: 1, label: "I" },
      { key: "two", gap: 2, label: "II" },
    ]);
  });
});

describe("DuckDB-wasm", () => {
  type Blocking = typeof import("@duckdb/duckdb-wasm/blocking");
  let connection: ReturnType<Awaited<ReturnType<Blocking["createDuckDB"]>>["connect"]>;

  beforeAll(async () => {
    const { resolve } = createRequire(import.meta.url);
    const duckdb = await import("@duckdb/duckdb-wasm/blocking");
    const bundle = (name: string) => ({
      mainModule: resolve(`@duckdb/duckdb-wasm/dist/duckdb-${name}.wasm`),
    });
    const bundles = { mvp: { ...bundle("mvp"), mainWorker: "" }, eh: { ...bundle("eh"), mainWorker: "" } };
    const database = await duckdb.createDuckDB(bundles, new duckdb.VoidLogger(), duckdb.NODE_RUNTIME);
    await database.instantiate();
    database.open({ query: { castTimestampToDate: false } });
    connection = database.connect();
  }, 180_000);
  afterAll(() => connection?.close());

  const insert = async (name: string, source: TableSource, options?: TableOptions): Promise<void> => {
    connection.insertArrowFromIPCStream(await streamOf(source, options), { name, create: true });
  };
  const rows = (sql: string): unknown[] =>
    connection
      .query(sql)
      .toArray()
      .map((row) => plain(row.toJSON()));

  it("reads an IPC stream of several batches, and its values are equal", async () => {
    await insert("entries", archive, { path: "entries", batchRows: 300 });
    const times = 'epoch_ms("at") as "at"';
    const read = rows(`select * replace (${times}) from entries`);
    expect(read).toEqual(entries.map((entry) => ({ ...entry, at: BigInt(entry.at.getTime()) })));
  });

  it("queries lists, arrays of numpy and what a query found", async () => {
    await insert("floats", archive, { path: "floats", batchRows: 1000 });
    expect(rows("select count(*) as n, sum(value) as sum from floats")).toEqual([
      { n: 3000n, sum: floats.reduce((a, b) => a + b) },
    ]);
    await insert("matrix", archive, { path: "matrix" });
    expect(rows("select value from matrix limit 2")).toEqual([
      { value: [0, 0.5, 1] },
      { value: [1.5, 2, 2.5] },
    ]);
    await insert("found", found());
    expect(rows("select path, gap from found order by gap")).toEqual([
      { path: "$['entries'][998]", gap: 249.5 },
      { path: "$['entries'][999]", gap: 249.75 },
    ]);
  });
});

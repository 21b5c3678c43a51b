import {
  encodeArchive,
  encodeNumpyPickle,
  isPeekpackError,
  type LazyList,
  NdArray,
  openArchive,
  type RangeSource,
  Timestamp,
  type Value,
} from "@peekpack/core";
import { query } from "@peekpack/jsonpath";
import { tableFromIPC } from "@uwdata/flechette";
import * as apache from "apache-arrow";
import { describe, expect, it } from "vitest";
import {
  ipcFile,
  ipcStream,
  recordBatches,
  rowsOf,
  type TableOptions,
  type TableSource,
  toTable,
} from "../src/index.js";

const bytesOf = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
};

const plain = (value: unknown): unknown =>
  ArrayBuffer.isView(value) && !(value instanceof Uint8Array)
    ? Array.from(value as Float64Array)
    : Array.isArray(value)
      ? value.map(plain)
      : value;

const rows = async (source: TableSource, options?: TableOptions): Promise<Record<string, unknown>[]> =>
  (await toTable(source, options))
    .toArray()
    .map((row) =>
      Object.fromEntries(Object.entries(row as object).map(([name, value]) => [name, plain(value)])),
    );

const failure = async (work: Promise<unknown>): Promise<[unknown, string]> => {
  const error: unknown = await work.then(
    () => "nothing was thrown",
    (thrown: unknown) => thrown,
  );
  return isPeekpackError(error) ? [error.code, error.message] : [error, ""];
};

const entries = Array.from({ length: 1000 }, (_, i) => ({
  name: `entry ${i}`,
  gap: i / 4,
  ok: i % 3 === 0,
  steps: [i, i + 1],
  at: new Date(1_700_000_000_000 + i),
  cell: { a: i, b: null as number | null },
  bytes: new Uint8Array([i & 255]),
}));

describe("rows of an archive", () => {
  it.each([1, 8192])("makes a table of a list of records (threshold %i)", async (smallObjectThreshold) => {
    const archive = await openArchive(encodeArchive({ entries }, { smallObjectThreshold, trivialSize: 0 }));
    const table = await toTable(archive, { path: "entries", batchRows: 300 });
    expect(table.names).toEqual(["name", "gap", "ok", "steps", "at", "cell", "bytes"]);
    expect(table.numRows).toBe(1000);
    expect(table.getChild("name").data.map(({ length }) => length)).toEqual([300, 300, 300, 100]);
    expect(table.getChild("gap").toArray()).toEqual(Float64Array.from(entries, ({ gap }) => gap));
    expect(table.get(7)).toEqual({
      name: "entry 7",
      gap: 1.75,
      ok: false,
      steps: Float64Array.of(7, 8),
      at: new Date(1_700_000_000_007),
      cell: { a: 7, b: null },
      bytes: new Uint8Array([7]),
    });
  });

  it("makes a table of a map of records, with a column of its keys", async () => {
    const value = { one: { gap: 1 }, two: { gap: 2, more: "x" } };
    for (const smallObjectThreshold of [1, 8192]) {
      const archive = await openArchive(encodeArchive(value, { smallObjectThreshold, trivialSize: 0 }));
      expect(await rows(archive)).toEqual([
        { key: "one", gap: 1, more: null },
        { key: "two", gap: 2, more: "x" },
      ]);
      expect(await rows(archive, { key: "name", columns: ["gap"] })).toEqual([
        { name: "one", gap: 1 },
        { name: "two", gap: 2 },
      ]);
      expect(await rows(archive, { key: false, columns: ["more"] })).toEqual([{ more: null }, { more: "x" }]);
    }
  });

  it("makes a table of a list of numbers, and of arrays of numpy", async () => {
    const numbers = Array.from({ length: 5000 }, (_, i) => i / 8);
    const archive = await openArchive(
      encodeArchive({
        numbers,
        vector: encodeNumpyPickle(new NdArray(Int32Array.of(1, 2, 3))),
        matrix: encodeNumpyPickle(new NdArray(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2])),
        flags: encodeNumpyPickle(new NdArray(Uint8Array.of(1, 0), [2], "bool")),
      }),
      { numpy: true },
    );
    const table = await toTable(archive, { path: "numbers", batchRows: 2000 });
    expect(table.getChild("value").toArray()).toEqual(Float64Array.from(numbers));
    const vector = await toTable(archive, { path: "vector" });
    expect(vector.getChild("value").toArray()).toEqual(Int32Array.of(1, 2, 3));
    expect(await rows(archive, { path: "matrix" })).toEqual([
      { value: [1, 2] },
      { value: [3, 4] },
      { value: [5, 6] },
    ]);
    expect(await rows(archive, { path: "flags" })).toEqual([{ value: true }, { value: false }]);
  });

  it("makes a table of a handle, and of what `select` and `query` find", async () => {
    const archive = await openArchive(
      encodeArchive({ entries }, { smallObjectThreshold: 1, trivialSize: 0 }),
    );
    const handle = (await archive.get("entries")) as LazyList;
    expect(await rows(handle, { columns: ["gap"] })).toHaveLength(1000);
    const found = query(archive, "$.entries[?@.gap >= 249.5]");
    expect(await rows(rowsOf(found, "path"), { columns: ["path", "gap"] })).toEqual([
      { path: "$['entries'][998]", gap: 249.5 },
      { path: "$['entries'][999]", gap: 249.75 },
    ]);
    expect((await rows(rowsOf(archive.select("entries/*/gap"), "path")))[1]).toEqual({
      path: "/entries/1/gap",
      value: 0.25,
    });
    expect((await rows(rowsOf(archive.select("entries/*/gap"))))[1]).toEqual({ value: 0.25 });
  });

  it("rejects what has no rows", async () => {
    const archive = await openArchive(encodeArchive({ text: "abc", number: 1, bytes: new Uint8Array(3) }));
    for (const path of ["text", "number", "bytes"]) {
      expect((await failure(toTable(archive, { path })))[0]).toBe("unsupported-value");
    }
    expect((await failure(toTable(archive, { path: "nowhere" })))[0]).toBe("not-found");
  });

  it("makes an empty table of an empty list", async () => {
    const table = await toTable([]);
    expect(table.numRows).toBe(0);
  });
});

describe("types", () => {
  it("keeps integers beyond 2^53 exact, and gives JSON text where types differ", async () => {
    const table = await toTable([
      { id: 2n ** 60n, unsigned: 2n ** 63n, mixed: 1, deep: [1, "a"], more: new Timestamp(1, 5) },
      { id: -(2n ** 60n), unsigned: 2n ** 64n - 1n, mixed: "a", deep: [], more: null },
    ]);
    expect(table.schema.fields.map(({ type }) => type.typeId)).toEqual([2, 2, 5, 12, 5]);
    expect(table.at(1)).toMatchObject({ id: -(2n ** 60n), unsigned: 2n ** 64n - 1n });
    expect(tableFromIPC(await bytesOf(ipcStream([table])), { useBigInt: true }).toArray()).toEqual([
      {
        id: 2n ** 60n,
        unsigned: 2n ** 63n,
        mixed: "1",
        deep: ["1", '"a"'],
        more: '{"seconds":1,"nanoseconds":5}',
      },
      { id: -(2n ** 60n), unsigned: 2n ** 64n - 1n, mixed: '"a"', deep: [], more: null },
    ]);
  });

  it("gives JSON text where the first batch has only nulls or empty lists", async () => {
    const table = await toTable(
      [
        { a: null, b: [] },
        { a: { x: 1 }, b: [1, "c"] },
      ],
      { batchRows: 1 },
    );
    expect(table.toArray()).toEqual([
      { a: null, b: [] },
      { a: '{"x":1}', b: ["1", '"c"'] },
    ]);
  });

  it("takes the types that are given", async () => {
    const table = await toTable([{ a: 1, b: 2, c: [1] }], { types: { a: "int32", b: "int64", c: "json" } });
    expect(table.getChild("a").toArray()).toEqual(Int32Array.of(1));
    expect(table.getChild("b").type).toMatchObject({ bitWidth: 64 });
    expect(table.getChild("c").at(0)).toBe("[1]");
    await expect(toTable([1], { types: { value: "decimal" as never } })).rejects.toThrow(TypeError);
  });

  it("has columns that only later rows have, if their types are given", async () => {
    const table = await toTable([{ a: 1 }, { a: 2, b: "x" }], { batchRows: 1, types: { b: "utf8" } });
    expect(table.toArray()).toEqual([
      { a: 1, b: null },
      { a: 2, b: "x" },
    ]);
  });

  it("rejects later values that do not fit, and later members that are new, and names them", async () => {
    const batchRows = 1;
    const cases: [Value[], string][] = [
      [[1, "a"], 'Row 1, column "value": a string does not fit float64.'],
      [[{ a: 1 }, { a: 1, b: 2 }], 'Row 1, column "b": the first rows do not have this member'],
      [[{ a: 1 }, 5], "Row 1 is not a record"],
      [[{ a: { b: 1 } }, { a: { c: 1 } }], 'its member "c" is new'],
      [[2n ** 60n, 2n ** 63n], "does not fit int64"],
      [[2n ** 60n, 1.5], "does not fit int64"],
    ];
    for (const [values, message] of cases) {
      const [code, text] = await failure(toTable(values, { batchRows }));
      expect([code, text]).toEqual(["unsupported-value", expect.stringContaining(message)]);
    }
    expect((await failure(toTable([{ a: 300 }], { types: { a: "uint8" } })))[1]).toContain(
      "300 does not fit uint8",
    );
    expect((await failure(toTable({ x: { key: 1 } } as never)))[0]).toBe("duplicate-name");
  });

  it("keeps a member called __proto__", async () => {
    const value = JSON.parse('[{"__proto__": 1, "in": {"__proto__": 2}}]') as Value[];
    const table = await toTable(value);
    expect(table.getChild("__proto__").at(0)).toBe(1);
    expect(table.schema.fields[1]?.type).toMatchObject({ children: [{ name: "__proto__" }] });
  });
});

describe("streaming", () => {
  const large = Array.from({ length: 1000 }, (_, i) => ({ gap: i, field: new Uint8Array(9000).fill(i) }));
  const bytes = encodeArchive({ large }, { trivialSize: 0 });
  const counted = () => {
    const seen = { bytes: 0 };
    const source: RangeSource = {
      label: "counted",
      async probe({ head, tail, longTail }) {
        const wanted = Math.max(tail, longTail?.wanted(bytes.subarray(0, head), bytes.length) ?? 0);
        return { size: bytes.length, head: bytes.slice(0, head), tail: bytes.slice(-wanted) };
      },
      async read(ranges) {
        for (const { start, end } of ranges) seen.bytes += end - start;
        return ranges.map(({ start, end }) => bytes.slice(start, end));
      },
    };
    return { source, seen };
  };

  it("gives the first batch before the rest is read", async () => {
    const { source, seen } = counted();
    const archive = await openArchive(source);
    for await (const table of recordBatches(archive, { path: "large", batchRows: 100 })) {
      expect(table.numRows).toBe(100);
      break;
    }
    expect(seen.bytes).toBeLessThan(bytes.length);
  });

  it("reads only the columns that are wanted", async () => {
    const { source, seen } = counted();
    const archive = await openArchive(source, { gap: 4096 });
    const table = await toTable(archive, { path: "large", columns: ["gap"] });
    expect(table.getChild("gap").toArray()).toEqual(Float64Array.from({ length: 1000 }, (_, i) => i));
    expect(seen.bytes).toBeLessThan(bytes.length / 10);
  });

  it("rejects with the signal's reason", async () => {
    const archive = await openArchive(bytes);
    const reason = new Error("enough");
    await expect(toTable(archive, { path: "large", signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("Arrow IPC", () => {
  const batches = () => recordBatches(entries, { batchRows: 400 });

  it("writes a stream that apache-arrow reads", async () => {
    const stream = await bytesOf(ipcStream(batches()));
    const table = apache.tableFromIPC(stream);
    expect(table.batches.map(({ numRows }) => numRows)).toEqual([400, 400, 200]);
    expect(table.getChild("gap")!.toArray()).toEqual(Float64Array.from(entries, ({ gap }) => gap));
    expect(table.get(999)!.toJSON()).toMatchObject({ name: "entry 999", ok: true });
  });

  it("writes a file whose footer finds every batch", async () => {
    const file = await bytesOf(ipcFile(batches()));
    const table = apache.tableFromIPC(file);
    expect(table.numRows).toBe(1000);
    const reader = apache.RecordBatchReader.from(file);
    expect(reader.isFile()).toBe(true);
    const random = reader as unknown as apache.RecordBatchFileReader;
    random.open();
    expect(random.numRecordBatches).toBe(3);
    expect(random.readRecordBatch(2)!.numRows).toBe(200);
    expect(random.readRecordBatch(1)!.getChild("name")!.get(0)).toBe("entry 400");
  });

  it("writes tables without rows", async () => {
    for (const write of [ipcStream, ipcFile]) {
      expect(apache.tableFromIPC(await bytesOf(write(recordBatches([])))).numRows).toBe(0);
    }
  });
});

/** Runs `peekpack export`. What it writes is read by pyarrow and DuckDB. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeArchive, listOf, writeArchive } from "@peekpack/core";
import { fileSink } from "@peekpack/node-storage";
import { livePython, runPython, skippedAsAbsent } from "@peekpack/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, ok, run } from "./run.js";

const entries = Array.from({ length: 20_000 }, (_, i) => ({
  name: i % 7 === 0 ? null : `entry ${i}, "quoted" ⚛`,
  gap: i / 4,
  ok: i % 3 === 0,
  steps: i % 5 === 0 ? [] : [i, i + 0.5],
  cell: { a: i, b: `b${i}` },
}));
const map = { one: { gap: 1, text: "" }, two: { gap: 2, text: "a\nb" }, three: { gap: 3, text: null } };

let folder = "";
let file = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "peekpack-export-"));
  file = join(folder, "data.msglc");
  await writeFile(
    file,
    encodeArchive({ entries, map, numbers: [1, 2.5], mixed: [1, "a", { x: 2n ** 60n }] }),
  );
});
afterAll(() => rm(folder, { recursive: true }));

const out = (name: string): string => join(folder, name);
const text = (name: string): Promise<string> => readFile(out(name), "utf8");

describe("export", () => {
  it("writes NDJSON of any items", async () => {
    await ok(["export", file, "entries", out("a.ndjson")]);
    const lines = (await text("a.ndjson")).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(entries);
    expect((await ok(["export", "--format", "ndjson", file, "mixed", "-"])).toString()).toBe(
      '1\n"a"\n{"x":"1152921504606846976"}\n',
    );
    expect((await ok(["export", "--format", "ndjson", file, "map", "-"])).toString().split("\n")[0]).toBe(
      '{"key":"one","value":{"gap":1,"text":""}}',
    );
  });

  it("writes CSV, with quotes where they are needed", async () => {
    expect((await ok(["export", "--format", "csv", file, "map", "-"])).toString()).toBe(
      'key,gap,text\r\none,1,""\r\ntwo,2,"a\nb"\r\nthree,3,\r\n',
    );
    await ok(["export", "--columns", "name,gap,steps", file, "entries", out("b.csv")]);
    expect((await text("b.csv")).split("\r\n").slice(0, 3)).toEqual([
      "name,gap,steps",
      ",0,[]",
      '"entry 1, ""quoted"" ⚛",0.25,"[1,1.5]"',
    ]);
  });

  it("writes what a pattern or a query finds, with its paths", async () => {
    expect((await ok(["export", "--format", "csv", file, "map/*/gap", "-"])).toString()).toBe(
      "value\r\n1\r\n2\r\n3\r\n",
    );
    expect(
      (
        await ok([
          "export",
          "--format",
          "csv",
          "--paths",
          "--query",
          "$.map[?@.gap > 1]",
          "--columns",
          "path,gap",
          file,
          "-",
        ])
      ).toString(),
    ).toBe("path,gap\r\n$['map']['two'],2\r\n$['map']['three'],3\r\n");
  });

  it("takes types, and a JSON Pointer", async () => {
    expect(
      (
        await ok(["export", "--format", "csv", "--types", "value=json", "--pointer", file, "/mixed", "-"])
      ).toString(),
    ).toBe('value\r\n1\r\n"""a"""\r\n"{""x"":""1152921504606846976""}"\r\n');
  });

  it("leaves nothing behind when it fails, and keeps the old file", async () => {
    await writeFile(out("old.csv"), "old");
    const late = out("late.msglc");
    await writeFile(late, encodeArchive([...Array.from({ length: 20_000 }, (_, i) => i), "text"]));
    expect(codeOf(await run(["export", late, out("old.csv")]))).toBe("unsupported-value");
    expect(codeOf(await run(["export", late, out("new.parquet")]))).toBe("unsupported-value");
    expect(codeOf(await run(["export", file, "numbers/0", out("none.csv")]))).toBe("unsupported-value");
    expect(await text("old.csv")).toBe("old");
    expect((await readdir(folder)).filter((name) => /new|none|tmp/.test(name))).toEqual([]);
    expect(codeOf(await run(["export", "--put", "create", file, "numbers", out("old.csv")]))).toBe("exists");
  });

  it("refuses wrong usage", async () => {
    for (const argv of [
      ["export", file, "entries", out("a.xlsx")],
      ["export", file],
      ["export", "--paths", file, "entries", out("a.csv")],
      ["export", "--query", "$", file, "entries", out("a.csv")],
      ["export", "--columns", "a", file, "entries", out("a.ndjson")],
      ["export", "--types", "a", file, "entries", out("a.csv")],
      ["export", "--types", "gap=decimal", file, "entries", out("a.csv")],
      ["export", file, "entries", file],
    ]) {
      expect([argv, (await run(argv)).status]).toEqual([argv, 2]);
    }
  });

  it("holds memory while it writes a long table", async () => {
    const long = out("long.msglc");
    const count = 150_000;
    await writeArchive(
      fileSink(long),
      listOf(
        (function* () {
          for (let i = 0; i < count; i++) yield { i, text: `row ${i} `.repeat(20) };
        })(),
        { count },
      ),
    );
    let peak = 0;
    const timer = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 10);
    const before = process.memoryUsage().rss;
    await ok(["export", long, out("long.parquet")]);
    clearInterval(timer);
    console.log(`${Math.round((peak - before) / 1e6)} MB more for ${count} rows`);
    // The rows take 30 MB in the archive, and several times as much as objects.
    expect(peak - before).toBeLessThan(400e6);
  }, 180_000);
});

const live = await livePython();
const versions = live.absent === undefined ? live.versions : {};
const missing = live.absent ?? (versions.pyarrow === undefined ? "pyarrow is not installed" : undefined);
const noDuckdb = missing ?? (versions.duckdb === undefined ? "duckdb is not installed" : undefined);

describe.skipIf(skippedAsAbsent("pyarrow", missing))("pyarrow reads what export wrote", () => {
  const read: { [format: string]: string } = {
    arrow:
      "import pyarrow.ipc as ipc\ntable = ipc.open_file(sys.argv[1]).read_all()\ntable.validate(full=True)",
    parquet: "import pyarrow.parquet as pq\ntable = pq.read_table(sys.argv[1])\ntable.validate(full=True)",
    ndjson: "import pyarrow.json as js\ntable = js.read_json(sys.argv[1])",
  };

  it.each(Object.keys(read))(
    "%s: values are equal",
    async (format) => {
      await ok(["export", file, "entries", out(`py.${format}`)]);
      const script = `import sys, json\n${read[format]}\njson.dump(table.to_pylist(), sys.stdout)`;
      expect(JSON.parse(await runPython(script, { args: [out(`py.${format}`)] }))).toEqual(entries);
    },
    180_000,
  );
});

describe.skipIf(skippedAsAbsent("DuckDB", noDuckdb))("DuckDB reads what export wrote", () => {
  it.each(["parquet", "csv", "ndjson"])(
    "%s: values are equal",
    async (format) => {
      await ok(["export", file, "entries", out(`duck.${format}`)]);
      const script = `import sys, json, duckdb\nrows = duckdb.sql(f"select name, gap, ok from '{sys.argv[1]}'").fetchall()\njson.dump(rows, sys.stdout)`;
      const rows = JSON.parse(await runPython(script, { args: [out(`duck.${format}`)] })) as unknown;
      expect(rows).toEqual(entries.map(({ name, gap, ok: fine }) => [name, gap, fine]));
    },
    180_000,
  );
});

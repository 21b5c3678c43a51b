/** JSON, NDJSON and CSV as inputs of `write`. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isPeekpackError, memorySink, openArchive, writeArchive } from "@peekpack/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { InputFile } from "../src/input/input-file.js";
import { jsonDocument } from "../src/input/json-document.js";
import { type BuiltCommand, builtCommand } from "./built-command.js";
import { codeOf, ok, run } from "./run.js";

let folder = "";
let built: BuiltCommand;
beforeAll(async () => {
  built = await builtCommand();
  folder = await mkdtemp(join(tmpdir(), "peekpack-cli-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await built.remove();
});

const file = async (name: string, content: string | Uint8Array): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};

/** What `cat` prints of an archive that `write` has made. */
async function written(...argv: string[]): Promise<unknown> {
  const out = join(folder, "out.msglc");
  await ok(["write", ...argv, out]);
  return JSON.parse((await ok(["cat", out])).toString());
}

/** Reads a document piece by piece, writes it as an archive, and reads that. @returns the value or an error code */
async function streamed(
  text: string | Uint8Array,
  sizes = { large: 24, batch: 12, chunk: 7 },
): Promise<unknown> {
  const bytes = Buffer.from(text);
  const input: InputFile = {
    name: "input",
    size: bytes.length,
    read: (start, end) => bytes.subarray(start, end),
    fill: (target, start) => void bytes.copy(target, 0, start),
    close: async () => {},
  };
  const sink = memorySink();
  try {
    await writeArchive(sink, await jsonDocument(input, () => {}, sizes));
  } catch (error) {
    if (isPeekpackError(error)) return error.code;
    throw error;
  }
  const archive = await openArchive(sink.bytes());
  const value = await archive.read();
  await archive.close();
  return value;
}

/** Pseudo-random numbers from 0 to 1, the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function randomJson(next: () => number, depth = 0): string {
  const pick = Math.floor(next() * (depth > 3 ? 5 : 9));
  const gap = (): string => ["", "", " ", "\n\t", "  \r\n"][Math.floor(next() * 5)]!;
  const many = (make: (i: number) => string): string =>
    Array.from({ length: Math.floor(next() * 6) }, (_, i) => `${gap()}${make(i)}${gap()}`).join(",");
  switch (pick) {
    case 0:
      return String(Math.floor(next() * 1e6) + 1);
    case 1:
      return ["true", "false", "null", "1.5e3", "-7"][Math.floor(next() * 5)]!;
    case 2:
      return JSON.stringify(
        ["a", "é\u2028", '"\\', "]},[{:", "\u0000\n", "x".repeat(30)][Math.floor(next() * 6)],
      );
    case 3:
      return '"\\u00e9\\\\"';
    case 4:
      return "[ ]";
    case 5:
    case 6:
      return `[${many(() => randomJson(next, depth + 1)) || gap()}]`;
    default:
      return `{${many((i) => `${JSON.stringify(`${["k", "é", "", "\\"][i % 4]}${i}`)}${gap()}:${gap()}${randomJson(next, depth + 1)}`) || gap()}}`;
  }
}

describe("a JSON document that is read piece by piece", () => {
  it("has the value that JSON.parse gives", async () => {
    const next = random(1);
    for (let i = 0; i < 400; i++) {
      const text = ` ${randomJson(next)}\n`;
      expect(await streamed(text), text).toEqual(JSON.parse(text));
    }
  });

  it("is refused if JSON.parse refuses it", async () => {
    const next = random(2);
    let refused = 0;
    for (let i = 0; i < 1500; i++) {
      const text = randomJson(next);
      const at = Math.floor(next() * (text.length + 1));
      const mutant =
        next() < 0.5
          ? text.slice(0, at) + text.slice(at + 1)
          : text.slice(0, at) + '[]{},:"\\1 x'[Math.floor(next() * 11)]! + text.slice(at);
      let expected: unknown = "corrupt";
      try {
        expected = JSON.parse(mutant);
      } catch {
        refused++;
      }
      const value = await streamed(mutant);
      // A key that occurs twice is an error only in a large object.
      if (value !== "duplicate-name") expect(value, mutant).toEqual(expected);
    }
    expect(refused).toBeGreaterThan(500);
  });

  it("keeps the order of keys that JavaScript would move, and refuses a key that occurs twice", async () => {
    const entries = Array.from({ length: 30 }, (_, i) => `"${99 - i}": ${i}`);
    const path = await file("order.json", `{"x": {${entries.join(", ")}}}`);
    const keys = Object.keys((await streamed(`{${entries.join(", ")}}`)) as object);
    expect(keys).toHaveLength(30);
    expect(await written(path)).toEqual({ x: Object.fromEntries(entries.map((_, i) => [99 - i, i])) });
    expect(await streamed(`{${entries.join(", ")}, "98": 1}`)).toBe("duplicate-name");
    expect(await streamed(`{"a": 1, "b": [${"1,".repeat(30)}1], "a": [${"2,".repeat(30)}2]}`)).toBe(
      "duplicate-name",
    );
  });

  it("may begin with a byte order mark, must be UTF-8, and may contain long texts", async () => {
    const mark = Buffer.from([0xef, 0xbb, 0xbf]);
    const list = `[${"1, ".repeat(40)}2]`;
    expect(await streamed(Buffer.concat([mark, Buffer.from(list)]))).toEqual(JSON.parse(list));
    expect(await streamed(Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]))).toBe("corrupt");
    expect(await streamed(Buffer.from(`["${"x".repeat(40)}", "\xff"]`, "latin1"))).toBe("corrupt");
    const long = JSON.stringify(["é".repeat(5000), "\\".repeat(5000), { a: "x".repeat(9999) }]);
    expect(await streamed(long)).toEqual(JSON.parse(long));
    expect(await streamed(`${"[".repeat(20_000)}${"]".repeat(20_000)}`)).toBe("limit");
  });
});

describe("write", () => {
  it("reads NDJSON, one value a line, by its name or --format", async () => {
    const lines = await file("a.ndjson", '{"a": 1}\n\n[2]\r\n  \n"é"');
    expect(await written(lines)).toEqual([{ a: 1 }, [2], "é"]);
    expect(await written(await file("b.jsonl", "1\n2\n"))).toEqual([1, 2]);
    expect(await written(await file("empty.ndjson", ""))).toEqual([]);
    const out = await ok(["write", "--format", "ndjson", "-", "-"], "1\n2\n");
    expect(await (await openArchive(out)).read()).toEqual([1, 2]);
    const wrong = await run(["write", await file("c.ndjson", "1\n2,3\n4"), join(folder, "x")]);
    expect(codeOf(wrong)).toBe("corrupt");
    expect(wrong.stderr).toContain("line 2 of ");
    expect(codeOf(await run(["write", await file("d.ndjson", "[1\n2]\n"), join(folder, "x")]))).toBe(
      "corrupt",
    );
  });

  it("reads CSV: the first row names the columns, and numbers and empty cells are recognized", async () => {
    const text = 'name,"energy, total",id,name\r\nfirst,1.5,007,\r\n\r\n"a ""b""\nc",-2,8,x\r\n';
    expect(await written(await file("a.csv", text))).toEqual([
      { name: "first", "energy, total": 1.5, id: "007", "name 2": null },
      { name: 'a "b"\nc', "energy, total": -2, id: 8, "name 2": "x" },
    ]);
    expect(await written(await file("b.tsv", "a\tb\n1\t2\n3"))).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: null },
    ]);
    expect(await written(await file("semicolon.csv", "a;b\n1,5;2\n"))).toEqual([{ a: "1,5", b: 2 }]);
    expect(await written(await file("none.csv", "a,b\n"))).toEqual([]);
    for (const [name, content] of [
      ["long.csv", "a,b\n1,2,3\n"],
      ["open.csv", 'a,b\n1,"2\n'],
    ] as const) {
      expect(codeOf(await run(["write", await file(name, content), join(folder, "x")]))).toBe("corrupt");
    }
  });

  it("reads rows that span chunks, and many of them", async () => {
    const count = 40_000;
    const cell = (i: number): string => (i % 1000 === 0 ? `"${"x\n".repeat(500)}"` : `text é ${i}`);
    const rows = Array.from({ length: count }, (_, i) => `${i},${cell(i)},${i / 7}`);
    const path = await file("many.csv", `id,text,energy\n${rows.join("\n")}`);
    const out = join(folder, "many.msglc");
    await ok(["write", path, out]);
    expect(JSON.parse((await ok(["info", "--json", out])).toString())).toMatchObject({ items: count });
    expect(JSON.parse((await ok(["cat", out, "39000"])).toString())).toEqual({
      id: 39000,
      text: "x\n".repeat(500),
      energy: 39000 / 7,
    });
    expect(JSON.parse((await ok(["cat", out, "-1/id"])).toString())).toBe(count - 1);
  });

  it("puts the rows of several files, or of a pattern, into one list", async () => {
    for (const i of [1, 2, 10]) await file(`part-${i}.ndjson`, `${i}\n`);
    expect(await written(join(folder, "part-*.ndjson"))).toEqual([1, 2, 10]);
    expect(await written(join(folder, "part-10.ndjson"), join(folder, "part-1.ndjson"))).toEqual([10, 1]);
    expect(codeOf(await run(["write", join(folder, "none-*.csv"), join(folder, "x")]))).toBe("not-found");
    const json = await file("one.json", "1");
    expect((await run(["write", json, json, join(folder, "x")])).status).toBe(2);
    expect((await run(["write", "--tagged", join(folder, "part-1.ndjson"), join(folder, "x")])).status).toBe(
      2,
    );
    expect((await run(["write", "--format", "ndjson", "-", "-", join(folder, "x")])).status).toBe(2);
  });
});

it("combine and append take patterns of files for archives without names", async () => {
  for (const i of [2, 10])
    await ok(["write", await file("n.json", String(i)), join(folder, `run-${i}.msglc`)]);
  const all = join(folder, "all.msglc");
  await ok(["combine", all, join(folder, "run-*.msglc")]);
  await ok(["append", all, join(folder, "run-[1]*.msglc")]);
  expect(JSON.parse((await ok(["cat", all])).toString())).toEqual([2, 10, 10]);
  expect(codeOf(await run(["combine", join(folder, "x"), join(folder, "none-*")]))).toBe("not-found");
});

describe("the built command", () => {
  it("reads a long standard input, and leaves no temporary file", async () => {
    const list = Array.from({ length: 400_000 }, (_, i) => ({ id: i, text: `the text of entry ${i}` }));
    const env = { TMPDIR: built.folder };
    await built.output(["write", "-", "long.msglc"], { input: JSON.stringify(list), env });
    expect(JSON.parse(await built.output(["cat", "long.msglc", "399999"]))).toEqual(list.at(-1));
    expect(await readdir(built.folder)).toEqual(["long.msglc"]);
  });

  it.skipIf(process.platform !== "linux")(
    "writes a JSON document with less memory than it has",
    async () => {
      const records = Array.from({ length: 2000 }, (_, i) => ({
        id: i,
        energy: i / 7,
        tags: ["a", "b"],
        text: `entry ${i}`,
      }));
      const part = JSON.stringify(records).slice(1, -1);
      const path = join(built.folder, "large.json");
      const times = Math.ceil((120 * 2 ** 20) / part.length);
      async function* pieces(): AsyncGenerator<string> {
        yield '{"entries":[';
        for (let i = 0; i < times; i++) yield i === 0 ? part : `,${part}`;
        yield "]}";
      }
      await writeFile(path, pieces());
      const peak = join(built.folder, "peak");
      const recorder = `import fs from "node:fs"; process.on("exit", () => fs.writeFileSync(${JSON.stringify(peak)}, fs.readFileSync("/proc/self/status")));`;
      await built.output(["write", path, join(built.folder, "large.msglc")], {
        env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(recorder)}` },
      });
      const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(await readFile(peak, "utf8"))!;
      expect(Number(kilobytes) / 1024).toBeLessThan(200);
      const last = await built.output(["cat", join(built.folder, "large.msglc"), "entries/-1/id"]);
      expect(last).toBe("1999\n");
    },
    240_000,
  );
});
